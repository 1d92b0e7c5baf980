// What the column says that gives each row its part.
#ifndef DEEPBINDNET_CORE_DATA_SPLIT_LABELS_H_
#define DEEPBINDNET_CORE_DATA_SPLIT_LABELS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "core/data/split.h"

namespace deepbindnet {

// Rows by label. A label is trimmed and cut to 40 characters, and its unusual characters are escaped.
using LabelCounts = std::map<std::string, int64_t>;

// Where further labels of training rows are counted together once there are 20 labels.
inline constexpr char kOtherLabels[] = "(other labels)";

// `test` is kTest; `val`, `valid`, `validation` and `dev` are kVal; everything else is kTrain. Case and spaces around
// the label do not matter.
Part PartOfLabel(absl::string_view label);

void CountLabel(absl::string_view label, LabelCounts* counts);

// "'test' 2 rows (test), 'x' 1 row (train)", in the order of the labels.
std::string DescribeLabels(const LabelCounts& counts);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_SPLIT_LABELS_H_
