// The names by which columns of a CSV file are known.
#ifndef DEEPBINDNET_CORE_CSV_COLUMN_NAMES_H_
#define DEEPBINDNET_CORE_CSV_COLUMN_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// Names of a molecule's and of a protein's column, normalised, the most telling first.
const std::vector<absl::string_view>& SmilesColumnNames();
const std::vector<absl::string_view>& SequenceColumnNames();

// Likewise of a protein's id, of its vector, and of the affinity's unit.
const std::vector<absl::string_view>& ProteinIdColumnNames();
const std::vector<absl::string_view>& FeatureColumnNames();
const std::vector<absl::string_view>& UnitColumnNames();

// How the column of vectors is called where we write it.
inline constexpr char kFeatureColumn[] = "protein_features";

// `name` with ASCII letters in lower case and without ASCII characters that are no letters and no digits; what is
// beyond ASCII stays as it is. Names are compared in this form.
std::string NormalizeColumnName(absl::string_view name);

// The index of the column that bears the earliest possible name of `names`, which are normalised; -1 where none does.
int FindColumn(const std::vector<std::string>& header, const std::vector<absl::string_view>& names);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_COLUMN_NAMES_H_
