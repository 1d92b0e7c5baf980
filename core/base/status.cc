#include "core/base/status.h"

#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deepbindnet {
namespace {

// "REASON\0name\0value\0name\0value", names and values escaped: they may hold the separator.
constexpr absl::string_view kPayloadUrl = "deepbindnet/reason";
constexpr char kSeparator = '\0';

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason, const ErrorMetadata& metadata) {
  if (status.ok()) return status;
  std::string payload(reason);
  for (const auto& [name, value] : metadata) {
    payload.push_back(kSeparator);
    absl::StrAppend(&payload, absl::CEscape(name));
    payload.push_back(kSeparator);
    absl::StrAppend(&payload, absl::CEscape(value));
  }
  status.SetPayload(kPayloadUrl, absl::Cord(payload));
  return status;
}

std::string GetReason(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kPayloadUrl)) {
    const std::string text(*payload);
    return text.substr(0, text.find(kSeparator));
  }
  return absl::StatusCodeToString(status.code());
}

ErrorMetadata GetErrorMetadata(const absl::Status& status) {
  ErrorMetadata metadata;
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload) return metadata;
  const std::string text(*payload);
  const std::vector<std::string> parts = absl::StrSplit(text, kSeparator);
  for (size_t i = 1; i + 1 < parts.size(); i += 2) {
    std::string name;
    std::string value;
    if (absl::CUnescape(parts[i], &name) && absl::CUnescape(parts[i + 1], &value)) metadata[name] = value;
  }
  return metadata;
}

absl::Status InvalidField(absl::string_view field, absl::string_view value, absl::string_view remedy) {
  const std::string message =
      absl::StrCat(field, ": ", value.empty() ? absl::string_view("(empty)") : value, " ", remedy);
  return WithReason(absl::InvalidArgumentError(message), "INVALID_FIELD",
                    {{"field", std::string(field)}, {"value", std::string(value)}});
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload(
      [&annotated](absl::string_view url, const absl::Cord& payload) { annotated.SetPayload(url, payload); });
  return annotated;
}

}  // namespace deepbindnet
