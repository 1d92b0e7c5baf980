#include "client/error.h"

#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/rpc/status.pb.h"

namespace deepbindnet::client {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr char kExitCodeUrl[] = "deepbindnet.client/exit_code";
constexpr char kJobEndUrl[] = "deepbindnet.client/job_end";
constexpr char kConnectionLossUrl[] = "deepbindnet.client/connection_loss";
constexpr char kNotSentUrl[] = "deepbindnet.client/not_sent";

absl::Status WithExitCode(absl::Status status, ExitCode code) {
  status.SetPayload(kExitCodeUrl, absl::Cord(absl::StrCat(static_cast<int>(code))));
  return status;
}

// True where gRPC had no connection to send a call on.
bool WasNotSent(absl::string_view message) {
  return absl::StrContains(message, "failed to connect") || absl::StrContains(message, "DNS resolution failed");
}

// gRPC wraps the system's reason several times: "failed to connect to all addresses; last error: UNKNOWN:
// ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused".
std::string LastReason(absl::string_view message) {
  const size_t colon = message.rfind(": ");
  const absl::string_view reason = colon == absl::string_view::npos ? message : message.substr(colon + 2);
  return reason.empty() ? "no answer" : std::string(reason);
}

struct ConnectFailure {
  std::string reason;
  std::string remedy;
};

// What gRPC says of a failed handshake names neither cause nor remedy.
ConnectFailure Diagnose(absl::string_view message, bool tls) {
  const bool closed = absl::StrContains(message, "Socket closed") || absl::StrContains(message, "Connection reset");
  if (absl::StrContains(message, "certificate verify failed")) {
    return {"its certificate is from an authority that is not trusted here",
            "name that authority's certificate with --tls-ca FILE"};
  }
  if (absl::StrContains(message, "is not in peer certificate")) {
    return {"its certificate is for another name", "give a name that the certificate has with --tls-server-name NAME"};
  }
  if (absl::StrContains(message, "wrong version number")) {
    return {"it does not speak TLS", "leave out --tls and what implies it, also in the environment (DEEPBINDNET_TLS*)"};
  }
  if (WasNotSent(message) && closed && tls) {
    return {"it broke off the TLS handshake",
            "if it asks for a client's certificate, give one that it trusts with --tls-cert FILE --tls-key FILE"};
  }
  if (WasNotSent(message) && closed) {
    return {"it closed the connection at once", "if it speaks TLS, add --tls, or --tls-ca FILE for an own authority"};
  }
  return {LastReason(message),
          "start deepbindnet-server there, or name another with --server HOST:PORT or DEEPBINDNET_SERVER"};
}

bool LooksLikeConnectionLoss(const grpc::Status& status) {
  if (!status.error_details().empty()) return false;
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return true;
  // A server that stops cancels the calls it still has; our own cancelling has been told apart before.
  if (status.error_code() == grpc::StatusCode::CANCELLED) return true;
  // What gRPC says when a server dies in the middle of a stream.
  return (status.error_code() == grpc::StatusCode::UNKNOWN || status.error_code() == grpc::StatusCode::INTERNAL) &&
         (absl::StrContains(status.error_message(), "Stream removed") ||
          absl::StrContains(status.error_message(), "RST_STREAM"));
}

void CopyDetails(const std::string& serialized, absl::Status* status) {
  google::rpc::Status details;
  if (!details.ParseFromString(serialized)) return;
  for (const google::protobuf::Any& any : details.details()) {
    status->SetPayload(any.type_url(), absl::Cord(any.value()));
  }
}

template <typename Message>
std::optional<Message> GetDetail(const absl::Status& status, absl::string_view url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  Message message;
  if (!payload.has_value() || !message.ParseFromString(std::string(*payload))) return std::nullopt;
  return message;
}

}  // namespace

absl::Status UsageError(absl::string_view message) {
  return WithExitCode(absl::InvalidArgumentError(message), ExitCode::kUsage);
}

absl::Status AsUsageError(const absl::Status& status) { return status.ok() ? status : UsageError(status.message()); }

absl::Status InterruptedError(absl::string_view message) {
  return WithExitCode(absl::CancelledError(message), ExitCode::kInterrupted);
}

absl::Status JobEndError(absl::string_view message) {
  absl::Status status = absl::AbortedError(message);
  status.SetPayload(kJobEndUrl, absl::Cord("1"));
  return status;
}

bool IsJobEndError(const absl::Status& status) { return status.GetPayload(kJobEndUrl).has_value(); }

absl::Status FromGrpc(const grpc::Status& status, absl::string_view server, bool tls) {
  if (status.ok()) return absl::OkStatus();
  if (LooksLikeConnectionLoss(status)) {
    const ConnectFailure failure = Diagnose(status.error_message(), tls);
    absl::Status result = absl::UnavailableError(
        absl::StrCat("server ", server, " is not reachable (", failure.reason, "); ", failure.remedy));
    result.SetPayload(kConnectionLossUrl, absl::Cord("1"));
    if (WasNotSent(status.error_message())) result.SetPayload(kNotSentUrl, absl::Cord("1"));
    return result;
  }
  std::string message = status.error_message();
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && status.error_details().empty()) {
    message = absl::StrCat("server ", server, " did not answer in time; try again, or raise --timeout");
  } else if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED && message.empty()) {
    message = absl::StrCat("server ", server, " does not know this call; is it a deepbindnet-server of this version?");
  }
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), message);
  CopyDetails(status.error_details(), &result);
  return result;
}

std::optional<google::rpc::ErrorInfo> GetErrorInfo(const absl::Status& status) {
  return GetDetail<google::rpc::ErrorInfo>(status, kErrorInfoUrl);
}

std::optional<absl::Duration> GetRetryDelay(const absl::Status& status) {
  const auto info = GetDetail<google::rpc::RetryInfo>(status, kRetryInfoUrl);
  if (!info.has_value()) return std::nullopt;
  return absl::Seconds(info->retry_delay().seconds()) + absl::Nanoseconds(info->retry_delay().nanos());
}

bool IsConnectionLoss(const absl::Status& status) {
  return absl::IsUnavailable(status) || status.GetPayload(kConnectionLossUrl).has_value();
}

bool WasNotSent(const absl::Status& status) { return status.GetPayload(kNotSentUrl).has_value(); }

bool IsAnswerLost(const absl::Status& status) {
  const bool lost = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  return lost && !WasNotSent(status);
}

absl::Status AppendMessage(const absl::Status& status, absl::string_view text) {
  absl::Status result(status.code(), absl::StrCat(status.message(), text));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

ExitCode GetExitCode(const absl::Status& status) {
  if (status.ok()) return ExitCode::kDone;
  if (const auto code = status.GetPayload(kExitCodeUrl); code.has_value()) {
    return *code == absl::StrCat(static_cast<int>(ExitCode::kUsage)) ? ExitCode::kUsage : ExitCode::kInterrupted;
  }
  if (absl::IsUnavailable(status)) return ExitCode::kUnreachable;
  const auto info = GetErrorInfo(status);
  const bool names_field = absl::IsInvalidArgument(status) && info.has_value() && info->metadata().count("field") > 0;
  return names_field ? ExitCode::kUsage : ExitCode::kFailed;
}

std::string ErrorLine(const absl::Status& status) {
  std::vector<absl::string_view> lines =
      absl::StrSplit(status.message(), absl::ByAnyChar("\r\n"), absl::SkipWhitespace());
  std::string line = absl::StrJoin(lines, " ");
  const auto info = GetErrorInfo(status);
  if (line.empty()) {
    line = absl::StrCat("the server answered ", absl::StatusCodeToString(status.code()),
                        info.has_value() ? absl::StrCat(" (", info->reason(), ")") : "");
  }
  if (!info.has_value()) return line;
  for (const char* key : {"field", "value", "role", "required_role"}) {
    const auto entry = info->metadata().find(key);
    if (entry != info->metadata().end() && !absl::StrContains(line, entry->second)) {
      absl::StrAppend(&line, " (", key, ": ", entry->second, ")");
    }
  }
  return line;
}

nlohmann::ordered_json ErrorJson(const absl::Status& status) {
  nlohmann::ordered_json json = {{"type", "error"}, {"code", absl::StatusCodeToString(status.code())}};
  if (const auto info = GetErrorInfo(status); info.has_value()) {
    json["reason"] = info->reason();
    for (const auto& [key, value] : info->metadata()) json["metadata"][key] = value;
  }
  json["message"] = ErrorLine(status);
  return json;
}

}  // namespace deepbindnet::client
