// How the client tells what went wrong: an absl::Status that carries the server's error details and maps to an exit
// code and to one line for people.
#ifndef DEEPBINDNET_CLIENT_ERROR_H_
#define DEEPBINDNET_CLIENT_ERROR_H_

#include <grpcpp/support/status.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"

namespace deepbindnet::client {

enum class ExitCode {
  kDone = 0,
  kFailed = 1,         // The job failed, or the server refused the call.
  kUsage = 2,          // The command line or a local input file is wrong, as the client or the server finds.
  kUnreachable = 3,    // No server answered.
  kInterrupted = 130,  // SIGINT or SIGTERM; what the server runs goes on.
};

// The command line or a file it names is wrong; nothing was sent. The message names the option and the remedy.
absl::Status UsageError(absl::string_view message);

// What is wrong with a local file, as a usage error; OK stays OK.
absl::Status AsUsageError(const absl::Status& status);

// The user left. The message says how to come back.
absl::Status InterruptedError(absl::string_view message);

// A job ended without success; its end has been printed already.
absl::Status JobEndError(absl::string_view message);
bool IsJobEndError(const absl::Status& status);

// OK stays OK. An answer of the server keeps its message and details. A failure to connect becomes UNAVAILABLE with a
// message that names `server` (HOST:PORT) and the remedy, which depends on whether `tls` was used.
absl::Status FromGrpc(const grpc::Status& status, absl::string_view server, bool tls = false);

// What the server attached to its answer; nullopt where it attached nothing.
std::optional<google::rpc::ErrorInfo> GetErrorInfo(const absl::Status& status);
std::optional<absl::Duration> GetRetryDelay(const absl::Status& status);

// True where the connection, not the call, failed: coming back later may succeed.
bool IsConnectionLoss(const absl::Status& status);

// True where there was no connection to send the call on.
bool WasNotSent(const absl::Status& status);

// True where the call may have reached the server and done its work although no answer says so.
bool IsAnswerLost(const absl::Status& status);

// `status` with `text` at the end of its message.
absl::Status AppendMessage(const absl::Status& status, absl::string_view text);

ExitCode GetExitCode(const absl::Status& status);

// One line without "error:", never empty; names the field, value and roles of ErrorInfo where the message does not.
std::string ErrorLine(const absl::Status& status);

// {"type": "error", "code": "NOT_FOUND", "reason": ..., "message": ..., "metadata": {...}}
nlohmann::ordered_json ErrorJson(const absl::Status& status);

}  // namespace deepbindnet::client

#define CLIENT_CONCAT_INNER(a, b) a##b
#define CLIENT_CONCAT(a, b) CLIENT_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` is an error.
#define CLIENT_RETURN_IF_ERROR(expression)                                                    \
  do {                                                                                        \
    if (absl::Status client_status = (expression); !client_status.ok()) return client_status; \
  } while (false)

// Assigns the value of a StatusOr to `target`, or returns its error.
#define CLIENT_ASSIGN_OR_RETURN(target, expression) \
  CLIENT_ASSIGN_OR_RETURN_INNER(CLIENT_CONCAT(client_or_, __LINE__), target, expression)
#define CLIENT_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                     \
  if (!result.ok()) return result.status();                       \
  target = std::move(result).value()

#endif  // DEEPBINDNET_CLIENT_ERROR_H_
