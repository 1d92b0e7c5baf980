// Tables read to their end.
#ifndef DEEPBINDNET_TESTS_CORE_CSV_READ_TABLE_H_
#define DEEPBINDNET_TESTS_CORE_CSV_READ_TABLE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/csv/csv_reader.h"

namespace deepbindnet {

// All rows, the header first; stops at an error.
inline absl::StatusOr<std::vector<CsvRow>> ReadRows(absl::StatusOr<std::unique_ptr<CsvReader>> reader) {
  DBN_RETURN_IF_ERROR(reader.status());
  std::vector<CsvRow> rows;
  CsvRow row;
  while (true) {
    DBN_ASSIGN_OR_RETURN(const bool more, (*reader)->Next(&row));
    if (!more) return rows;
    rows.push_back(row);
  }
}

// Their fields.
inline absl::StatusOr<std::vector<std::vector<std::string>>> ReadFields(
    absl::StatusOr<std::unique_ptr<CsvReader>> reader) {
  DBN_ASSIGN_OR_RETURN(const std::vector<CsvRow> rows, ReadRows(std::move(reader)));
  std::vector<std::vector<std::string>> fields;
  for (const CsvRow& row : rows) fields.push_back(row.fields);
  return fields;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_CSV_READ_TABLE_H_
