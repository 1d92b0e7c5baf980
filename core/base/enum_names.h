// Enumerators by name, for options that people write.
#ifndef DEEPBINDNET_CORE_BASE_ENUM_NAMES_H_
#define DEEPBINDNET_CORE_BASE_ENUM_NAMES_H_

#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Every enumerator once.
template <typename Enum, size_t n>
using EnumNames = std::array<std::pair<Enum, absl::string_view>, n>;

// "unknown" where `value` is none of them.
template <typename Enum, size_t n>
absl::string_view NameOf(const EnumNames<Enum, n>& names, Enum value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "unknown";
}

// InvalidField(field, text, remedy) where `text` is none of the names.
template <typename Enum, size_t n>
absl::StatusOr<Enum> ParseName(const EnumNames<Enum, n>& names, absl::string_view text, absl::string_view field,
                               absl::string_view remedy) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return InvalidField(field, text, remedy);
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_ENUM_NAMES_H_
