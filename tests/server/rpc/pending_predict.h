// A Predict call that is under way.
#ifndef DEEPBINDNET_TESTS_SERVER_RPC_PENDING_PREDICT_H_
#define DEEPBINDNET_TESTS_SERVER_RPC_PENDING_PREDICT_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <utility>

#include "deepbindnet/v1/deepbindnet.grpc.pb.h"

namespace deepbindnet {

// Cancelled when destroyed before its end.
class PendingPredict {
 public:
  PendingPredict(v1::DeepBindNet::Stub* stub, v1::PredictRequest request,
                 std::chrono::system_clock::time_point deadline = std::chrono::system_clock::time_point::max())
      : request_(std::move(request)) {
    context_.set_deadline(deadline);
    stub->async()->Predict(&context_, &request_, &response_,
                           [this](grpc::Status status) { status_.set_value(std::move(status)); });
  }

  ~PendingPredict() {
    Cancel();
    if (result_.valid()) result_.wait();
  }

  void Cancel() { context_.TryCancel(); }
  // Call once.
  grpc::Status Wait() { return result_.get(); }

 private:
  grpc::ClientContext context_;
  const v1::PredictRequest request_;
  v1::PredictResponse response_;
  std::promise<grpc::Status> status_;
  std::future<grpc::Status> result_ = status_.get_future();
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_RPC_PENDING_PREDICT_H_
