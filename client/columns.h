// Which columns of a CSV file hold the molecule and the protein, by the names that the service knows.
#ifndef DEEPBINDNET_CLIENT_COLUMNS_H_
#define DEEPBINDNET_CLIENT_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet::client {

// Names of a molecule's and of a protein's column, the most telling first, as the service finds them in an upload.
const std::vector<absl::string_view>& SmilesNames();
const std::vector<absl::string_view>& SequenceNames();

// The index of the column that bears the earliest possible name of `names`; -1 where none does. Compared without regard
// to case, spaces and punctuation; `names` hold lower-case letters and digits only.
int FindColumn(const std::vector<std::string>& header, const std::vector<absl::string_view>& names);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_COLUMNS_H_
