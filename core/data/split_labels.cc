#include "core/data/split_labels.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/text.h"

namespace deepbindnet {
namespace {

constexpr size_t kMostLabels = 20;
constexpr size_t kShownCharacters = 40;

absl::string_view PartName(Part part) {
  if (part == Part::kTest) return "test";
  return part == Part::kVal ? "validation" : "train";
}

}  // namespace

Part PartOfLabel(absl::string_view label) {
  label = absl::StripAsciiWhitespace(label);
  if (absl::EqualsIgnoreCase(label, "test")) return Part::kTest;
  for (const absl::string_view name : {"val", "valid", "validation", "dev"}) {
    if (absl::EqualsIgnoreCase(label, name)) return Part::kVal;
  }
  return Part::kTrain;
}

void CountLabel(absl::string_view label, LabelCounts* counts) {
  const std::string shown = ShowText(absl::StripAsciiWhitespace(label), kShownCharacters);
  const auto known = counts->find(shown);
  if (known != counts->end()) {
    ++known->second;
  } else if (counts->size() < kMostLabels || PartOfLabel(label) != Part::kTrain) {
    counts->emplace(shown, 1);
  } else {
    ++(*counts)[kOtherLabels];
  }
}

std::string DescribeLabels(const LabelCounts& counts) {
  return absl::StrJoin(counts, ", ", [](std::string* text, const auto& count) {
    absl::StrAppend(text, "'", count.first, "' ", count.second, count.second == 1 ? " row (" : " rows (",
                    PartName(PartOfLabel(count.first)), ")");
  });
}

}  // namespace deepbindnet
