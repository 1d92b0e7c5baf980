// Page tokens: opaque to callers, the key of the last row they have seen to us, so that rows which come or go between
// two pages neither repeat nor hide others.
#ifndef DEEPBINDNET_SERVER_STORE_PAGE_TOKEN_H_
#define DEEPBINDNET_SERVER_STORE_PAGE_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// `list` names the listing the token is for, for example "jobs"; a token of another listing is not accepted.
std::string EncodePageToken(absl::string_view list, absl::string_view last_key);

// The last key; INVALID_ARGUMENT names page_token.
absl::StatusOr<std::string> DecodePageToken(absl::string_view list, absl::string_view token);

// 0 is 50; INVALID_ARGUMENT names page_size when it is over 1000.
absl::StatusOr<int> PageSize(uint32_t requested);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_PAGE_TOKEN_H_
