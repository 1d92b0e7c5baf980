// The names by which columns of a CSV file are known to hold molecules and proteins.
#ifndef DEEPBINDNET_CORE_CSV_COLUMN_NAMES_H_
#define DEEPBINDNET_CORE_CSV_COLUMN_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// Names of a molecule's and of a protein's column, normalised, the most telling first.
const std::vector<absl::string_view>& SmilesColumnNames();
const std::vector<absl::string_view>& SequenceColumnNames();

// `name` with ASCII letters in lower case and without ASCII characters that are no letters and no digits; what is
// beyond ASCII stays as it is. Names are compared in this form.
std::string NormalizeColumnName(absl::string_view name);

// The index of the column that bears the earliest possible name of `names`, which are normalised; -1 where none does.
int FindColumn(const std::vector<std::string>& header, const std::vector<absl::string_view>& names);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_COLUMN_NAMES_H_
