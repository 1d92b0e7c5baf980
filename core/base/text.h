// Text of unknown origin, made fit to be shown.
#ifndef DEEPBINDNET_CORE_BASE_TEXT_H_
#define DEEPBINDNET_CORE_BASE_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none.
size_t Utf8CharacterBytes(absl::string_view text);

// The first `most_characters` characters of `text`, in valid UTF-8: quotes, control characters and bytes that are no
// UTF-8 are escaped as in C.
std::string ShowText(absl::string_view text, size_t most_characters);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_TEXT_H_
