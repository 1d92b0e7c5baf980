#include "core/csv/feature_text.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "core/base/limits.h"
#include "core/base/text.h"

namespace deepbindnet {

std::string FormatFeatures(const std::vector<float>& features) {
  std::string text;
  for (const float value : features) {
    if (!text.empty()) text.push_back(' ');
    absl::StrAppendFormat(&text, "%.9g", value);
  }
  return text;
}

absl::StatusOr<std::vector<float>> ParseFeatures(absl::string_view text) {
  std::vector<float> features;
  for (const absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty())) {
    float value = 0.0F;
    if (!absl::SimpleAtof(word, &value) || !std::isfinite(value)) {
      return absl::InvalidArgumentError(absl::StrCat("'", ShowText(word, 20), "' is no finite number"));
    }
    if (features.size() == kMaxProteinFeatureDim) {
      return absl::InvalidArgumentError(absl::StrCat("has more than ", kMaxProteinFeatureDim, " numbers"));
    }
    features.push_back(value);
  }
  if (features.empty()) return absl::InvalidArgumentError("has no number");
  return features;
}

}  // namespace deepbindnet
