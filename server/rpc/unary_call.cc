#include "server/rpc/unary_call.h"

#include "absl/time/clock.h"
#include "core/base/exceptions.h"
#include "server/rpc/grpc_status.h"

namespace deepbindnet {

void UnaryCall::Complete(const absl::Status& status) {
  held_.reset();
  if (ended_ != nullptr) ended_(status);
  Finish(ToGrpcStatus(status));
}

absl::Status UnaryCall::CheckWanted() const {
  if (deadline_ <= absl::Now()) {
    return WithReason(absl::DeadlineExceededError("the deadline passed before the call was handled"),
                      "DEADLINE_EXCEEDED");
  }
  if (cancelled_->load()) return WithReason(absl::CancelledError("the caller cancelled the call"), "CANCELLED");
  return absl::OkStatus();
}

UnaryCall* UnaryCall::End(const absl::Status& status) {
  auto* call = new UnaryCall(absl::InfiniteFuture(), nullptr);
  call->Complete(status);
  return call;
}

UnaryCall* UnaryCall::Run(Executor* executor, absl::Time deadline, std::function<absl::Status()> body, Ended ended) {
  auto* call = new UnaryCall(deadline, nullptr);
  call->ended_ = std::move(ended);
  call->Schedule(executor, [body = std::move(body)](UnaryCall* running) {
    const absl::Status status = body();
    if (status.ok()) running->Complete(status);
    return status;
  });
  return call;
}

UnaryCall* UnaryCall::RunAsync(Executor* executor, absl::Time deadline, std::shared_ptr<void> held,
                               std::function<absl::Status(UnaryCall*)> body) {
  auto* call = new UnaryCall(deadline, std::move(held));
  call->Schedule(executor, std::move(body));
  return call;
}

void UnaryCall::Schedule(Executor* executor, std::function<absl::Status(UnaryCall*)> body) {
  const absl::Status scheduled = CatchAll([&] {
    return executor->Schedule([this, body = std::move(body)] {
      const absl::Status status = CatchAll([&]() -> absl::Status {
        DBN_RETURN_IF_ERROR(CheckWanted());
        return body(this);
      });
      if (!status.ok()) Complete(status);
    });
  });
  if (!scheduled.ok()) Complete(scheduled);
}

absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  return deadline == decltype(deadline)::max() ? absl::InfiniteFuture() : absl::FromChrono(deadline);
}

}  // namespace deepbindnet
