#include "server/store/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace deepbindnet {
namespace {

constexpr uint32_t kDefaultPageSize = 50;
constexpr uint32_t kLargestPageSize = 1000;

}  // namespace

std::string EncodePageToken(absl::string_view list, absl::string_view last_key) {
  return absl::WebSafeBase64Escape(absl::StrCat(list, ":", last_key));
}

absl::StatusOr<std::string> DecodePageToken(absl::string_view list, absl::string_view token) {
  std::string decoded;
  const bool readable = absl::WebSafeBase64Unescape(token, &decoded);
  absl::string_view key = decoded;
  if (!readable || !absl::ConsumePrefix(&key, absl::StrCat(list, ":"))) {
    return InvalidField("page_token", token, "is not a token of this list; give next_page_token of the page before");
  }
  return std::string(key);
}

absl::StatusOr<int> PageSize(uint32_t requested) {
  if (requested > kLargestPageSize) {
    return InvalidField("page_size", absl::StrCat(requested), "is not in 1..1000; ask for smaller pages");
  }
  return static_cast<int>(requested == 0 ? kDefaultPageSize : requested);
}

}  // namespace deepbindnet
