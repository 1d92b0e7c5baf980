// Which columns of a CSV file hold what.
#ifndef DEEPBINDNET_CORE_DATA_COLUMNS_H_
#define DEEPBINDNET_CORE_DATA_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Indices into a row's fields.
struct Columns {
  int smiles = -1;
  int sequence = -1;
  int affinity = -1;
  int split = -1;     // -1 where no split column was asked for.
  int unit = -1;      // Of the affinity; -1 where there is none.
  int features = -1;  // The protein's vector; -1 where there is none.
};

// Names that the user gave; empty ones are found. A column of exactly that name wins; else they are compared without
// regard to case, spaces and punctuation of ASCII.
struct ColumnRequest {
  std::string affinity_column;
  std::string split_column;
};

// Finds SMILES, sequence, unit and features by the names they usually have, and the affinity by name, else as the only
// other column whose values in `sample` are all numbers. INVALID_ARGUMENT where one is missing (reason MISSING_COLUMN)
// or could be several (AMBIGUOUS_COLUMN); the message names the columns there are and what to do.
absl::StatusOr<Columns> FindColumns(const std::vector<std::string>& header,
                                    const std::vector<std::vector<std::string>>& sample, const ColumnRequest& request);

// "KIBA", "pKd", "pKi", "pIC50", "pEC50" or "nM" where a word of the column's name says so, else empty.
std::string GuessAffinityUnit(absl::string_view column_name);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_COLUMNS_H_
