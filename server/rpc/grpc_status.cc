#include "server/rpc/grpc_status.h"

#include <new>

#include "absl/strings/str_cat.h"
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

// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t length = 0;
  if (byte(0) < 0x80) return 1;
  if (byte(0) >= 0xC2 && byte(0) < 0xE0) length = 2;
  if (byte(0) >= 0xE0 && byte(0) < 0xF0) length = 3;
  if (byte(0) >= 0xF0 && byte(0) < 0xF5) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond Unicode.
  const bool refused = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xED && byte(1) > 0x9F) ||
                       (byte(0) == 0xF0 && byte(1) < 0x90) || (byte(0) == 0xF4 && byte(1) > 0x8F);
  return refused ? 0 : length;
}

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
    const size_t length = CharacterBytes(text);
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

absl::Status FromException(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return WithReason(absl::ResourceExhaustedError("the server is out of memory; try again later"), "OUT_OF_MEMORY");
  }
  const absl::string_view text = error.what();
  return absl::InternalError(text.substr(0, text.find('\n')));
}

}  // namespace deepbindnet
