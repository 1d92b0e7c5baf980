#include "server/worker/predict_table.h"

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/csv/pair_table.h"
#include "core/csv/protein_features.h"

namespace deepbindnet {
namespace {

constexpr size_t kRowsAtOnce = 4096;

class TablePrediction {
 public:
  TablePrediction(const Predictor& predictor, const PredictTableOptions& options,
                  const std::function<void(int64_t)>& on_rows)
      : predictor_(predictor), options_(options), on_rows_(on_rows) {}

  absl::StatusOr<PredictTableSummary> Run();

 private:
  struct Row {
    PairRow row;
    size_t pair = 0;  // Of pairs_; of no meaning where the row has none.
  };
  using Target = std::pair<std::string, const std::vector<float>*>;  // Sequence and vector, which may be null.

  void AddRow(PairRow row);
  int AddDrug(const std::string& smiles);
  int AddTarget(const Target& target);
  absl::Status PredictRows();
  absl::Status Finish(const Row& row, const absl::StatusOr<double>& value);

  const Predictor& predictor_;
  const PredictTableOptions& options_;
  const std::function<void(int64_t)>& on_rows_;
  std::unique_ptr<PairTable> table_;
  ProteinFeatures features_;                    // None where no file was given.
  std::vector<Row> rows_;                       // That wait for PredictRows().
  PredictionInput input_;                       // Their pairs.
  std::unordered_map<std::string, int> drugs_;  // Index in input_ by SMILES.
  std::map<Target, int> targets_;               // Index in input_.
  std::string output_;
  PredictTableSummary summary_;
};

absl::StatusOr<PredictTableSummary> TablePrediction::Run() {
  DBN_ASSIGN_OR_RETURN(table_, PairTable::Open(options_.input));
  if (!options_.protein_features.empty()) {
    DBN_ASSIGN_OR_RETURN(features_, ProteinFeatures::Read(options_.protein_features));
  }
  output_ = table_->OutputHeader();
  PairRow row;
  while (true) {
    DBN_ASSIGN_OR_RETURN(const bool found, table_->Next(&row));
    if (!found) break;
    AddRow(std::move(row));
    if (rows_.size() == kRowsAtOnce) DBN_RETURN_IF_ERROR(PredictRows());
  }
  DBN_RETURN_IF_ERROR(PredictRows());
  if (!options_.output.empty()) DBN_RETURN_IF_ERROR(WriteFileAtomically(options_.output, output_));
  return summary_;
}

void TablePrediction::AddRow(PairRow row) {
  const size_t pair = input_.pairs.size();
  if (row.status.ok()) {
    const std::string& sequence = table_->Sequence(row);
    const std::vector<float>* const features = features_.Find(sequence, table_->ProteinId(row));
    input_.pairs.push_back({AddDrug(table_->Smiles(row)), AddTarget({sequence, features})});
  }
  rows_.push_back({std::move(row), pair});
}

int TablePrediction::AddDrug(const std::string& smiles) {
  const auto [entry, is_new] = drugs_.try_emplace(smiles, static_cast<int>(input_.smiles.size()));
  if (is_new) input_.smiles.push_back(smiles);
  return entry->second;
}

int TablePrediction::AddTarget(const Target& target) {
  const auto [entry, is_new] = targets_.try_emplace(target, static_cast<int>(input_.sequences.size()));
  if (!is_new) return entry->second;
  const auto& [sequence, features] = target;
  input_.sequences.push_back(sequence);
  input_.features.push_back(features == nullptr ? std::vector<float>() : *features);
  return entry->second;
}

absl::Status TablePrediction::PredictRows() {
  DBN_ASSIGN_OR_RETURN(const std::vector<absl::StatusOr<double>> values, predictor_.Predict(input_));
  for (const Row& row : rows_) {
    DBN_RETURN_IF_ERROR(Finish(row, row.row.status.ok() ? values[row.pair] : row.row.status));
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
  output_ += table_->OutputLine(row.row, value, predictor_.info().affinity_unit);
  if (value.ok()) {
    ++summary_.predicted;
  } else {
    ++summary_.failed;
    if (summary_.first_failure.empty()) {
      summary_.first_failure = absl::StrCat("line ", row.row.line, ": ", value.status().message());
    }
  }
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
