#include "server/rpc/grpc_status.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/text.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kDomain = "deepbindnet";
constexpr int64_t kRetrySeconds = 1;
constexpr size_t kMaxMessageBytes = 1000;
constexpr size_t kMaxReasonBytes = 63;
constexpr size_t kMaxMetadataEntries = 8;
constexpr size_t kMaxMetadataBytes = 128;  // Of a name or a value.

google::rpc::ErrorInfo MakeErrorInfo(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  info.set_reason(ClipText(GetReason(status), kMaxReasonBytes));
  info.set_domain(std::string(kDomain));
  size_t entries = 0;
  for (const auto& [name, value] : GetErrorMetadata(status)) {
    if (++entries > kMaxMetadataEntries) break;
    (*info.mutable_metadata())[ClipText(name, kMaxMetadataBytes)] = ClipText(value, kMaxMetadataBytes);
  }
  return info;
}

}  // namespace

std::string ClipText(absl::string_view text, size_t max_bytes) {
  constexpr absl::string_view kEllipsis = "...";
  std::string clipped;
  size_t keep = 0;  // Bytes of `clipped` that leave room for the ellipsis.
  while (!text.empty()) {
    const size_t length = Utf8CharacterBytes(text);
    absl::StrAppend(&clipped, length == 0 ? absl::string_view("?") : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
    if (clipped.size() > max_bytes) {
      clipped.resize(keep);
      absl::StrAppend(&clipped, kEllipsis);
      return clipped;
    }
    if (clipped.size() + kEllipsis.size() <= max_bytes) keep = clipped.size();
  }
  return clipped;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = ClipText(status.message(), kMaxMessageBytes);
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  details.add_details()->PackFrom(MakeErrorInfo(status));
  if (absl::IsResourceExhausted(status)) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(kRetrySeconds);
    details.add_details()->PackFrom(retry);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString());
}

grpc::Status WithoutText(const grpc::Status& status, const std::string& text) {
  const auto clean = [&text](const std::string& from) { return absl::StrReplaceAll(from, {{text, ""}}); };
  google::rpc::Status details;
  if (status.ok() || !details.ParseFromString(status.error_details())) return status;
  details.set_message(clean(details.message()));
  for (google::protobuf::Any& detail : *details.mutable_details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info)) continue;
    for (auto& [name, value] : *info.mutable_metadata()) value = clean(value);
    detail.PackFrom(info);
  }
  return grpc::Status(status.error_code(), clean(status.error_message()), details.SerializeAsString());
}

}  // namespace deepbindnet
