#include "core/base/csv_field.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace deepbindnet {

void AppendCsvField(absl::string_view field, std::string* line) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) {
    absl::StrAppend(line, field);
  } else {
    absl::StrAppend(line, "\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
  }
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line.push_back(',');
    AppendCsvField(field, &line);
  }
  line.push_back('\n');
  return line;
}

}  // namespace deepbindnet
