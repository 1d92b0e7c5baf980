#include "core/data/unit_counts.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/text.h"

namespace deepbindnet {
namespace {

constexpr size_t kShownCharacters = 40;

}  // namespace

void UnitCounts::Add(absl::string_view unit, int64_t line) {
  const std::string shown = ShowText(absl::StripAsciiWhitespace(unit), kShownCharacters);
  auto known = rows_.find(shown);
  if (known == rows_.end() && rows_.size() == kMostUnits) {
    ++other_rows_;
    return;
  }
  if (known == rows_.end()) known = rows_.emplace(shown, Rows{0, line}).first;
  ++known->second.count;
}

absl::StatusOr<std::string> UnitCounts::Single(absl::string_view column) const {
  if (rows_.empty()) return std::string();
  if (rows_.size() == 1) return rows_.begin()->first;
  std::vector<std::string> shown;
  for (const auto& [unit, rows] : rows_) {
    shown.push_back(absl::StrCat("'", unit, "' in ", rows.count, rows.count == 1 ? " row" : " rows", " (first line ",
                                 rows.first_line, ")"));
  }
  if (other_rows_ > 0) shown.push_back(absl::StrCat("others in ", other_rows_, other_rows_ == 1 ? " row" : " rows"));
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("the column '", ShowText(column, kShownCharacters),
                                              "' has several units: ", absl::StrJoin(shown, ", "),
                                              "; convert all affinities to one unit and write that in each row")),
      "MIXED_UNITS");
}

}  // namespace deepbindnet
