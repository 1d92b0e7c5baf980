// One unary call whose body runs off the gRPC threads.
#ifndef DEEPBINDNET_SERVER_RPC_UNARY_CALL_H_
#define DEEPBINDNET_SERVER_RPC_UNARY_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "core/base/status.h"
#include "server/rpc/executor.h"

namespace deepbindnet {

// Deletes itself once gRPC is done with it.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  using Ended = std::function<void(const absl::Status&)>;

  // Runs `body` on the executor and ends the call with its status, or with CheckWanted()'s where nobody waits any more.
  // The request and the response stay valid until then. `ended` hears of the end first.
  static UnaryCall* Run(Executor* executor, absl::Time deadline, std::function<absl::Status()> body,
                        Ended ended = nullptr);

  // The same, but `body` arranges for Complete() to be called once, by any thread; on an error it returns before that,
  // the call ends with it. `held` is let go when the call ends.
  static UnaryCall* RunAsync(Executor* executor, absl::Time deadline, std::shared_ptr<void> held,
                             std::function<absl::Status(UnaryCall*)> body);

  // A call that ends at once.
  static UnaryCall* End(const absl::Status& status);

  void Complete(const absl::Status& status);

  // CANCELLED once the caller has gone, DEADLINE_EXCEEDED once the deadline has passed.
  absl::Status CheckWanted() const;

  // True once the caller has gone.
  std::shared_ptr<const std::atomic<bool>> cancelled() const { return cancelled_; }
  absl::Time deadline() const { return deadline_; }

 private:
  UnaryCall(absl::Time deadline, std::shared_ptr<void> held) : deadline_(deadline), held_(std::move(held)) {}

  void Schedule(Executor* executor, std::function<absl::Status(UnaryCall*)> body);

  void OnCancel() override { cancelled_->store(true); }
  void OnDone() override { delete this; }

  const absl::Time deadline_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<void> held_;
  Ended ended_;
};

// InfiniteFuture where the caller has set none.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_UNARY_CALL_H_
