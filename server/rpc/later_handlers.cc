#include "absl/strings/str_cat.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"

namespace deepbindnet {
namespace {

absl::Status NotImplemented(absl::string_view method) {
  return WithReason(absl::UnimplementedError(absl::StrCat(method, " is not implemented by this version")),
                    "NOT_IMPLEMENTED", {{"method", std::string(method)}});
}

class RefusedStream final : public grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse> {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerUnaryReactor* Service::PauseJob(grpc::CallbackServerContext* /*context*/,
                                            const v1::PauseJobRequest* /*request*/, v1::Job* /*response*/) {
  return UnaryCall::End(NotImplemented("PauseJob"));
}

grpc::ServerUnaryReactor* Service::ResumeJob(grpc::CallbackServerContext* /*context*/,
                                             const v1::ResumeJobRequest* /*request*/, v1::Job* /*response*/) {
  return UnaryCall::End(NotImplemented("ResumeJob"));
}

grpc::ServerUnaryReactor* Service::DeleteJob(grpc::CallbackServerContext* /*context*/,
                                             const v1::DeleteJobRequest* /*request*/,
                                             v1::DeleteJobResponse* /*response*/) {
  return UnaryCall::End(NotImplemented("DeleteJob"));
}

grpc::ServerUnaryReactor* Service::DeleteDataset(grpc::CallbackServerContext* /*context*/,
                                                 const v1::DeleteDatasetRequest* /*request*/,
                                                 v1::DeleteDatasetResponse* /*response*/) {
  return UnaryCall::End(NotImplemented("DeleteDataset"));
}

grpc::ServerUnaryReactor* Service::PromoteModel(grpc::CallbackServerContext* /*context*/,
                                                const v1::PromoteModelRequest* /*request*/, v1::Model* /*response*/) {
  return UnaryCall::End(NotImplemented("PromoteModel"));
}

grpc::ServerUnaryReactor* Service::DeleteModel(grpc::CallbackServerContext* /*context*/,
                                               const v1::DeleteModelRequest* /*request*/,
                                               v1::DeleteModelResponse* /*response*/) {
  return UnaryCall::End(NotImplemented("DeleteModel"));
}

grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse>* Service::PredictStream(
    grpc::CallbackServerContext* /*context*/) {
  return new RefusedStream(NotImplemented("PredictStream"));
}

}  // namespace deepbindnet
