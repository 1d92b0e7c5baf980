#include "core/base/text.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace deepbindnet {

size_t Utf8CharacterBytes(absl::string_view text) {
  const auto byte = [&text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  if (text.empty()) return 0;
  const unsigned lead = byte(0), second = byte(1);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Longer than needed, surrogates and what lies beyond Unicode.
  const bool refused = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                       (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return refused ? 0 : length;
}

std::string ShowText(absl::string_view text, size_t most_characters) {
  std::string shown;
  for (size_t i = 0; i < most_characters && !text.empty(); ++i) {
    const size_t length = Utf8CharacterBytes(text);
    absl::StrAppend(&shown,
                    length == 0 ? absl::CEscape(text.substr(0, 1)) : absl::Utf8SafeCEscape(text.substr(0, length)));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return shown;
}

}  // namespace deepbindnet
