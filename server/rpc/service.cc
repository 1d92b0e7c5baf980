// What all handlers share.
#include "server/rpc/service.h"

#include <utility>

#include "core/base/exceptions.h"
#include "server/rpc/unary_call.h"

namespace deepbindnet {

Service::Service(ServiceDependencies dependencies)
    : deps_(std::move(dependencies)), streams_(deps_.limits.max_streams_per_client) {}

absl::Status Service::CheckAccepting() const {
  if (!is_draining_.load()) return absl::OkStatus();
  return WithReason(absl::UnavailableError("the server is shutting down; try again"), "SHUTTING_DOWN");
}

absl::Status Service::Admit(const grpc::CallbackServerContext& context, CallRecord* record) const {
  return CatchAll([&]() -> absl::Status {
    DBN_ASSIGN_OR_RETURN(record->caller, deps_.authenticator->Identify(ClientMetadata(context, "authorization")));
    return CheckRole(record->caller, record->method);
  });
}

absl::StatusOr<Service::AdmittedStream> Service::AdmitStream(const grpc::CallbackServerContext& context,
                                                             absl::string_view method) {
  AdmittedStream stream;
  stream.record = DescribeCall(context, method);
  const absl::Status admitted = CatchAll([&]() -> absl::Status {
    DBN_RETURN_IF_ERROR(Admit(context, &stream.record));
    DBN_ASSIGN_OR_RETURN(stream.held, streams_.Take(stream.record));
    return absl::OkStatus();
  });
  if (admitted.ok()) return stream;
  WriteAudit(stream.record, admitted);
  return admitted;
}

grpc::ServerUnaryReactor* Service::Run(const grpc::CallbackServerContext& context, absl::string_view method,
                                       const std::string& target, std::function<absl::Status(CallRecord*)> body) {
  const auto record = std::make_shared<CallRecord>(DescribeCall(context, method));
  record->target = target;
  if (const absl::Status admitted = Admit(context, record.get()); !admitted.ok()) {
    WriteAudit(*record, admitted);
    return UnaryCall::End(admitted);
  }
  return UnaryCall::Run(
      deps_.executor, DeadlineOf(context), [record, body = std::move(body)] { return body(record.get()); },
      [record](const absl::Status& status) { WriteAudit(*record, status); });
}

}  // namespace deepbindnet
