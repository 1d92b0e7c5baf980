// From a CSV file or a DeepDTA folder to a processed data set on disk. Built only with DEEPBINDNET_WITH_RDKIT.
#ifndef DEEPBINDNET_CORE_DATA_PREPROCESS_H_
#define DEEPBINDNET_CORE_DATA_PREPROCESS_H_

#include <functional>
#include <string>

#include "core/base/status.h"
#include "core/data/affinity_direction.h"
#include "core/data/processed_dataset.h"
#include "core/data/split.h"

namespace deepbindnet {

struct PreprocessOptions {
  SplitOptions split;
  std::string affinity_column;  // Empty: found by synonym, else the only other numeric column.
  // Empty: what the table's column of units says, else guessed from the affinity column's name (KIBA, pKd, ...).
  std::string affinity_unit;
  AffinityDirection affinity_direction = AffinityDirection::kUnknown;  // Unknown: guessed from unit and column's name.
  std::string protein_features;  // File of vectors, see core/csv/protein_features.h; empty: none but a column's.
  double max_rejected = 0.05;    // Largest share of rejected rows that still succeeds, in [0, 1].
};

// Called now and then, on the calling thread, with the phase, what is done of it and its total: "reading" in bytes of
// the file, "featurising" in distinct molecules, "writing" as 0 or 1 of 1.
using PreprocessProgress = std::function<void(absl::string_view phase, int64_t done, int64_t total)>;

// Reads `input_file` (CSV, plain or gzipped, or a DeepDTA folder), featurises each distinct molecule (on all cores) and
// protein once, splits, fits the scaler on train and writes `output_dir` (made where missing). A row that cannot be
// used goes to rejected.csv with its line and reason and stops nothing else. NOT_FOUND where there is no such file;
// INVALID_ARGUMENT names the column, line or option at fault: a missing column (reason MISSING_COLUMN,
// AMBIGUOUS_COLUMN), several units (MIXED_UNITS), a protein without a vector where others have one
// (MISSING_PROTEIN_FEATURES), a split column without a usable test row, a share above 0 that leaves its part empty, a
// file that is cut off, too many rejected rows (TOO_MANY_REJECTED; nothing is written but rejected.csv, and a data set
// that stood there is none any more). Any other error of the input leaves what stood there as it was. `progress` may be
// empty.
absl::StatusOr<DatasetManifest> Preprocess(const std::string& input_file, const std::string& output_dir,
                                           const PreprocessOptions& options, const PreprocessProgress& progress);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_PREPROCESS_H_
