// The folds of a DeepDTA folder: which measured cell of the matrix belongs to which.
#ifndef DEEPBINDNET_CORE_CSV_FOLDS_H_
#define DEEPBINDNET_CORE_CSV_FOLDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

struct Folds {
  std::vector<std::string> labels;  // "0", "1", ... of the training folds, then "test".
  std::vector<int32_t> of_cell;     // Index into labels, by position among the measured cells, row by row.
};

// Reads `directory`/train_fold_setting1.txt, a JSON list of lists of positions, and test_fold_setting1.txt, a JSON list
// of positions. INVALID_ARGUMENT naming the file where one is missing or something else, or where the positions are not
// each of 0 .. n - 1 once.
absl::StatusOr<Folds> ReadFolds(const std::string& directory);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_FOLDS_H_
