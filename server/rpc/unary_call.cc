#include "server/rpc/unary_call.h"

#include <utility>

#include "server/rpc/grpc_status.h"

namespace deepbindnet {

void UnaryCall::Complete(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

UnaryCall* UnaryCall::End(const absl::Status& status) {
  auto* call = new UnaryCall;
  call->Complete(status);
  return call;
}

UnaryCall* UnaryCall::Run(Executor* executor, std::function<absl::Status()> body) {
  auto* call = new UnaryCall;
  const absl::Status scheduled =
      CatchAll([&] { return executor->Schedule([call, body = std::move(body)] { call->Complete(CatchAll(body)); }); });
  if (!scheduled.ok()) call->Complete(scheduled);
  return call;
}

UnaryCall* UnaryCall::RunAsync(Executor* executor, std::function<absl::Status(UnaryCall*)> body) {
  auto* call = new UnaryCall;
  const absl::Status scheduled = CatchAll([&] {
    return executor->Schedule([call, body = std::move(body)] {
      const absl::Status status = CatchAll([&] { return body(call); });
      if (!status.ok()) call->Complete(status);
    });
  });
  if (!scheduled.ok()) call->Complete(scheduled);
  return call;
}

}  // namespace deepbindnet
