#include "core/data/affinity_direction.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "core/base/enum_names.h"

namespace deepbindnet {
namespace {

constexpr EnumNames<AffinityDirection, 3> kNames = {{{AffinityDirection::kUnknown, "unknown"},
                                                     {AffinityDirection::kHigherBindsTighter, "higher"},
                                                     {AffinityDirection::kLowerBindsTighter, "lower"}}};

// In lower case; the micro sign and the Greek letter.
constexpr std::array<absl::string_view, 5> kHigherUnits = {"kiba", "pkd", "pki", "pic50", "pec50"};
constexpr std::array<absl::string_view, 8> kLowerUnits = {"pm",        "nm", "um", "\xC2\xB5m",
                                                          "\xCE\xBCm", "mm", "m",  "mol/l"};
constexpr std::array<absl::string_view, 4> kLowerWords = {"kd", "ki", "ic50", "ec50"};

template <typename Names>
bool Contains(const Names& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

AffinityDirection GuessAffinityDirection(absl::string_view unit, absl::string_view column_name) {
  const std::string known = absl::AsciiStrToLower(absl::StripAsciiWhitespace(unit));
  if (Contains(kHigherUnits, known)) return AffinityDirection::kHigherBindsTighter;
  if (Contains(kLowerUnits, known)) return AffinityDirection::kLowerBindsTighter;
  if (!known.empty()) return AffinityDirection::kUnknown;
  const std::string name = absl::AsciiStrToLower(column_name);
  const std::vector<std::string> words = absl::StrSplit(name, absl::ByAnyChar(" \t_-()[]/,.:"), absl::SkipEmpty());
  // "p(Kd)", "-log Kd": not the constant itself.
  for (const std::string& word : words) {
    if (word == "p" || word == "log" || word == "log10" || word == "ln") return AffinityDirection::kUnknown;
  }
  const bool is_constant =
      std::any_of(words.begin(), words.end(), [](const std::string& word) { return Contains(kLowerWords, word); });
  return is_constant ? AffinityDirection::kLowerBindsTighter : AffinityDirection::kUnknown;
}

absl::string_view AffinityDirectionName(AffinityDirection direction) { return NameOf(kNames, direction); }

absl::StatusOr<AffinityDirection> ParseAffinityDirection(absl::string_view name) {
  return ParseName(kNames, name, "affinity_direction", "is not higher, lower or unknown");
}

}  // namespace deepbindnet
