#include "server/rpc/call_record.h"

#include <utility>
#include <vector>

#include "server/auth/roles.h"
#include "server/logging/logging.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

constexpr size_t kMaxTargetBytes = 80;

}  // namespace

absl::string_view ClientMetadata(const grpc::ServerContextBase& context, const char* name) {
  const auto found = context.client_metadata().find(name);
  if (found == context.client_metadata().end()) return "";
  return absl::string_view(found->second.data(), found->second.size());
}

CallRecord DescribeCall(const grpc::ServerContextBase& context, absl::string_view method) {
  CallRecord record;
  record.method = std::string(method);
  record.peer = context.peer();
  record.request_id = RequestIdOf(context);
  return record;
}

std::string RequestIdOf(const grpc::ServerContextBase& context) {
  const absl::string_view request_id = ClientMetadata(context, "x-request-id");
  return ValidateRequestId(request_id).ok() ? std::string(request_id) : "";
}

void WriteAudit(const CallRecord& record, const absl::Status& status) {
  if (!ChangesSomething(record.method)) return;
  std::vector<LogField> fields = {{"method", record.method},
                                  {"who", record.caller.name},
                                  {"role", std::string(RoleName(record.caller.role))},
                                  {"peer", record.peer},
                                  {"target", ClipText(record.target, kMaxTargetBytes)},
                                  {"code", absl::StatusCodeToString(status.code())}};
  if (!record.job_id.empty()) fields.push_back({"job_id", record.job_id});
  if (!record.request_id.empty()) fields.push_back({"request_id", record.request_id});
  if (!status.ok()) fields.push_back({"reason", GetReason(status)});
  LogAudit(fields);
}

}  // namespace deepbindnet
