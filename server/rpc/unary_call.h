// One unary call whose body runs off the gRPC threads.
#ifndef DEEPBINDNET_SERVER_RPC_UNARY_CALL_H_
#define DEEPBINDNET_SERVER_RPC_UNARY_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>

#include "core/base/status.h"
#include "server/rpc/executor.h"

namespace deepbindnet {

// Deletes itself once gRPC is done with it.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // Runs `body` on the executor and ends the call with its status. The request and the response stay valid until then.
  static UnaryCall* Run(Executor* executor, std::function<absl::Status()> body);

  // Runs `body` on the executor. It arranges for Complete() to be called once, by any thread; on an error it returns
  // before that, the call ends with it.
  static UnaryCall* RunAsync(Executor* executor, std::function<absl::Status(UnaryCall*)> body);

  // A call that ends at once.
  static UnaryCall* End(const absl::Status& status);

  void Complete(const absl::Status& status);

  // True once the caller has gone.
  std::shared_ptr<const std::atomic<bool>> cancelled() const { return cancelled_; }

 private:
  void OnCancel() override { cancelled_->store(true); }
  void OnDone() override { delete this; }

  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_UNARY_CALL_H_
