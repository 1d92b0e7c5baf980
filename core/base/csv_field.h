// Text as a field or a row of a CSV file.
#ifndef DEEPBINDNET_CORE_BASE_CSV_FIELD_H_
#define DEEPBINDNET_CORE_BASE_CSV_FIELD_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// Appends `field` to `line`, quoted where RFC 4180 demands it: with a comma, a quote or a line break.
void AppendCsvField(absl::string_view field, std::string* line);

// A row with its line end, LF.
std::string CsvLine(const std::vector<std::string>& fields);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_CSV_FIELD_H_
