// Who calls, from where, and what the audit log says of it.
#ifndef DEEPBINDNET_SERVER_RPC_CALL_RECORD_H_
#define DEEPBINDNET_SERVER_RPC_CALL_RECORD_H_

#include <grpcpp/server_context.h>

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "server/auth/authenticator.h"

namespace deepbindnet {

// One call of a method. The handler fills in what it learns.
struct CallRecord {
  std::string method;      // "CancelJob"
  std::string peer;        // As gRPC writes it, for example "ipv4:127.0.0.1:50123".
  std::string request_id;  // See RequestIdOf().
  Caller caller;           // Without name and role until it is known.
  std::string target;      // Name or id of what is to be changed.
  std::string job_id;      // Of the job that was made or steered.
};

CallRecord DescribeCall(const grpc::ServerContextBase& context, absl::string_view method);

// The value that the client sent under this name; empty where it sent none.
absl::string_view ClientMetadata(const grpc::ServerContextBase& context, const char* name);

// What the client sent as "x-request-id"; empty where that is not at most 64 printable characters.
std::string RequestIdOf(const grpc::ServerContextBase& context);

// One line a call that may change something, whatever the log's level: who, what, and how it ended. Other calls have
// none.
void WriteAudit(const CallRecord& record, const absl::Status& status);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_CALL_RECORD_H_
