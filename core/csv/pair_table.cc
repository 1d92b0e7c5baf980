#include "core/csv/pair_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/csv_field.h"
#include "core/csv/column_names.h"

namespace deepbindnet {
namespace {

// What is added to a table; an input's columns of these names are an earlier output's and make way.
constexpr std::array<absl::string_view, 3> kResultColumns = {"predicted_affinity", "predicted_unit",
                                                             "prediction_error"};

bool IsResultColumn(const std::string& name) {
  return std::find(kResultColumns.begin(), kResultColumns.end(), name) != kResultColumns.end();
}

}  // namespace

absl::StatusOr<std::unique_ptr<PairTable>> PairTable::Open(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(std::unique_ptr<CsvReader> reader, CsvReader::Open(path));
  std::unique_ptr<PairTable> table(new PairTable(path, std::move(reader)));
  DBN_RETURN_IF_ERROR(table->ReadHeader());
  return table;
}

absl::Status PairTable::ReadHeader() {
  DBN_ASSIGN_OR_RETURN(const bool found, reader_->Next(&header_));
  if (!found) return Error("is empty; it needs a header");
  const std::vector<std::string>& names = header_.fields;
  const int smiles = FindColumn(names, SmilesColumnNames()), sequence = FindColumn(names, SequenceColumnNames());
  if (smiles < 0) return Error("has no SMILES column; name one 'smiles'");
  if (sequence < 0) return Error("has no sequence column; name one 'sequence'");
  smiles_ = static_cast<size_t>(smiles);
  sequence_ = static_cast<size_t>(sequence);
  id_ = FindColumn(names, ProteinIdColumnNames());
  for (size_t i = 0; i < names.size(); ++i) {
    if (!IsResultColumn(names[i])) kept_.push_back(i);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PairTable::Next(PairRow* row) {
  CsvRow read;
  DBN_ASSIGN_OR_RETURN(const bool found, reader_->Next(&read));
  if (!found && !has_rows_) return Error("has a header and no rows");
  if (!found) return false;
  has_rows_ = true;
  row->line = read.line;
  row->status = absl::OkStatus();
  const size_t columns = header_.fields.size();
  if (read.fields.size() != columns) {
    const std::string problem = absl::StrCat("has ", read.fields.size(), " fields and not the header's ", columns);
    if (read.fields.size() < columns && !read.ends_with_newline) {
      return Error(absl::StrCat("line ", read.line, ": ", problem, "; is the file truncated?"));
    }
    row->status = absl::InvalidArgumentError(absl::StrCat("the row ", problem));
    read.fields.resize(columns);
  }
  row->fields = std::move(read.fields);
  return true;
}

std::vector<std::string> PairTable::Kept(const std::vector<std::string>& fields) const {
  std::vector<std::string> kept;
  for (const size_t column : kept_) kept.push_back(fields[column]);
  return kept;
}

std::string PairTable::OutputHeader() const {
  std::vector<std::string> names = Kept(header_.fields);
  for (const absl::string_view name : kResultColumns) names.emplace_back(name);
  return CsvLine(names);
}

std::string PairTable::OutputLine(const PairRow& row, const absl::StatusOr<double>& affinity,
                                  const std::string& unit) const {
  std::vector<std::string> fields = Kept(row.fields);
  if (affinity.ok()) {
    fields.insert(fields.end(), {absl::StrFormat("%.9g", *affinity), unit, ""});
  } else {
    fields.insert(fields.end(), {"", "", std::string(affinity.status().message())});
  }
  return CsvLine(fields);
}

absl::Status PairTable::Error(absl::string_view problem) const {
  return absl::InvalidArgumentError(absl::StrCat(path_, ": ", problem));
}

}  // namespace deepbindnet
