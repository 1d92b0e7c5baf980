// Which columns of a CSV file hold the molecule and the protein, by the names that the service knows too.
#ifndef DEEPBINDNET_CLIENT_COLUMNS_H_
#define DEEPBINDNET_CLIENT_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet::client {

// Names of a molecule's and of a protein's column, the most telling first, in lower case without ASCII's spaces and
// punctuation. The service's lists, which the client may not include; a test compares them.
const std::vector<absl::string_view>& SmilesColumnNames();
const std::vector<absl::string_view>& SequenceColumnNames();

// The index of the column that bears the earliest possible name of `names`; -1 where none does. Case, spaces and
// punctuation of the header do not count.
int FindColumn(const std::vector<std::string>& header, const std::vector<absl::string_view>& names);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_COLUMNS_H_
