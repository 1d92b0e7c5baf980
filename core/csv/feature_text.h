// A protein's vector as the text of one field.
#ifndef DEEPBINDNET_CORE_CSV_FEATURE_TEXT_H_
#define DEEPBINDNET_CORE_CSV_FEATURE_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Numbers with a space between them, with as many digits as it takes to read the same numbers back.
std::string FormatFeatures(const std::vector<float>& features);

// INVALID_ARGUMENT, without line or protein, where a word is no finite float32 number, where there is none, or where
// there are more than kMaxProteinFeatureDim.
absl::StatusOr<std::vector<float>> ParseFeatures(absl::string_view text);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_FEATURE_TEXT_H_
