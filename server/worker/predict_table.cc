#include "server/worker/predict_table.h"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/csv_field.h"
#include "core/base/file.h"
#include "core/csv/column_names.h"
#include "core/csv/csv_reader.h"

namespace deepbindnet {
namespace {

constexpr size_t kRowsAtOnce = 4096;

// What is added to a table; an input's columns of these names are an earlier output's and make way.
constexpr std::array<absl::string_view, 3> kResultColumns = {"predicted_affinity", "predicted_unit",
                                                             "prediction_error"};

class TablePrediction {
 public:
  TablePrediction(const Predictor& predictor, const PredictTableOptions& options,
                  const std::function<void(int64_t)>& on_rows)
      : predictor_(predictor), options_(options), on_rows_(on_rows) {}

  absl::StatusOr<PredictTableSummary> Run();

 private:
  struct Row {
    std::vector<std::string> fields;  // As many as the header has.
    int64_t line = 0;
    size_t pair = 0;      // Of input_; of no meaning with an error.
    absl::Status status;  // Why there is no pair.
  };

  absl::Status ReadHeader(CsvReader* reader);
  absl::Status AddRow(CsvRow row);
  absl::Status PredictRows();
  absl::Status Finish(const Row& row, const absl::StatusOr<double>& value);
  absl::Status Error(absl::string_view problem) const {
    return absl::InvalidArgumentError(absl::StrCat(options_.input, ": ", problem));
  }

  const Predictor& predictor_;
  const PredictTableOptions& options_;
  const std::function<void(int64_t)>& on_rows_;
  size_t columns_ = 0;  // Of the input.
  size_t smiles_column_ = 0, sequence_column_ = 0;
  std::vector<size_t> kept_columns_;                      // The input's, without those that are written anew.
  std::vector<Row> rows_;                                 // That wait for PredictRows().
  PredictionInput input_;                                 // Their pairs.
  std::unordered_map<std::string, int> drugs_, targets_;  // Indices in input_ by text.
  std::string output_;
  PredictTableSummary summary_;
};

absl::StatusOr<PredictTableSummary> TablePrediction::Run() {
  DBN_ASSIGN_OR_RETURN(const std::unique_ptr<CsvReader> reader, CsvReader::Open(options_.input));
  DBN_RETURN_IF_ERROR(ReadHeader(reader.get()));
  CsvRow row;
  while (true) {
    DBN_ASSIGN_OR_RETURN(const bool found, reader->Next(&row));
    if (!found) break;
    DBN_RETURN_IF_ERROR(AddRow(row));
    if (rows_.size() == kRowsAtOnce) DBN_RETURN_IF_ERROR(PredictRows());
  }
  DBN_RETURN_IF_ERROR(PredictRows());
  if (summary_.rows == 0) return Error("has a header and no rows");
  if (!options_.output.empty()) DBN_RETURN_IF_ERROR(WriteFileAtomically(options_.output, output_));
  return summary_;
}

absl::Status TablePrediction::ReadHeader(CsvReader* reader) {
  CsvRow row;
  DBN_ASSIGN_OR_RETURN(const bool found, reader->Next(&row));
  if (!found) return Error("is empty; it needs a header");
  const std::vector<std::string>& header = row.fields;
  const int smiles = FindColumn(header, SmilesColumnNames()), sequence = FindColumn(header, SequenceColumnNames());
  if (smiles < 0) return Error("has no SMILES column; name one 'smiles'");
  if (sequence < 0) return Error("has no sequence column; name one 'sequence'");
  columns_ = header.size();
  smiles_column_ = static_cast<size_t>(smiles);
  sequence_column_ = static_cast<size_t>(sequence);
  std::vector<std::string> columns;
  for (size_t i = 0; i < header.size(); ++i) {
    if (std::find(kResultColumns.begin(), kResultColumns.end(), header[i]) != kResultColumns.end()) continue;
    kept_columns_.push_back(i);
    columns.push_back(header[i]);
  }
  for (const absl::string_view column : kResultColumns) columns.emplace_back(column);
  output_ = CsvLine(columns);
  return absl::OkStatus();
}

// The index of `text` in `texts`, where it is added unless it stands there.
int Intern(const std::string& text, std::unordered_map<std::string, int>* indices, std::vector<std::string>* texts) {
  const auto [entry, is_new] = indices->try_emplace(text, static_cast<int>(texts->size()));
  if (is_new) texts->push_back(text);
  return entry->second;
}

absl::Status TablePrediction::AddRow(CsvRow row) {
  Row& added = rows_.emplace_back();
  added.line = row.line;
  if (row.fields.size() != columns_) {
    const std::string problem = absl::StrCat("has ", row.fields.size(), " fields and not the header's ", columns_);
    if (row.fields.size() < columns_ && !row.ends_with_newline) {
      return Error(absl::StrCat("line ", row.line, ": ", problem, "; is the file truncated?"));
    }
    added.status = absl::InvalidArgumentError(absl::StrCat("the row ", problem));
    row.fields.resize(columns_);
  } else {
    added.pair = input_.pairs.size();
    input_.pairs.push_back({Intern(row.fields[smiles_column_], &drugs_, &input_.smiles),
                            Intern(row.fields[sequence_column_], &targets_, &input_.sequences)});
  }
  added.fields = std::move(row.fields);
  return absl::OkStatus();
}

absl::Status TablePrediction::PredictRows() {
  DBN_ASSIGN_OR_RETURN(const std::vector<absl::StatusOr<double>> values, predictor_.Predict(input_));
  for (const Row& row : rows_) {
    DBN_RETURN_IF_ERROR(Finish(row, row.status.ok() ? values[row.pair] : row.status));
    on_rows_(summary_.rows);
  }
  rows_.clear();
  input_ = PredictionInput();
  drugs_.clear();
  targets_.clear();
  return absl::OkStatus();
}

absl::Status TablePrediction::Finish(const Row& row, const absl::StatusOr<double>& value) {
  ++summary_.rows;
  std::vector<std::string> fields;
  for (const size_t column : kept_columns_) fields.push_back(row.fields[column]);
  if (value.ok()) {
    ++summary_.predicted;
    fields.insert(fields.end(), {absl::StrFormat("%.9g", *value), predictor_.info().affinity_unit, ""});
  } else {
    ++summary_.failed;
    const std::string error(value.status().message());
    if (summary_.first_failure.empty()) summary_.first_failure = absl::StrCat("line ", row.line, ": ", error);
    fields.insert(fields.end(), {"", "", error});
  }
  output_ += CsvLine(fields);
  if (!value.ok() || options_.explain.directory.empty()) return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(const Explanation explanation, predictor_.Explain(input_, row.pair));
  return WriteExplanation(explanation, predictor_.info(), summary_.rows, options_.explain);
}

}  // namespace

absl::StatusOr<PredictTableSummary> PredictTable(const Predictor& predictor, const PredictTableOptions& options,
                                                 const std::function<void(int64_t)>& on_rows) {
  return TablePrediction(predictor, options, on_rows).Run();
}

}  // namespace deepbindnet
