// Predictions for the rows of a CSV file, without a server.
#ifndef DEEPBINDNET_SERVER_WORKER_PREDICT_TABLE_H_
#define DEEPBINDNET_SERVER_WORKER_PREDICT_TABLE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/status.h"
#include "core/inference/predictor.h"
#include "server/worker/explanation_files.h"

namespace deepbindnet {

struct PredictTableOptions {
  std::string input;             // CSV, also gzipped, with a header that names a molecule's and a protein's column.
  std::string output;            // CSV to write, as `deepbindnet predict` writes it; empty: none.
  std::string protein_features;  // File of vectors, by sequence or by the input's column of ids; empty: none.
  ExplanationFileOptions explain;
};

struct PredictTableSummary {
  int64_t rows = 0, predicted = 0, failed = 0;  // failed: rows without a prediction.
  std::string first_failure;                    // "line N: ..." of the first of them.
};

// Predicts every row, and explains each that has a prediction where that is asked for. A row that cannot be predicted
// says why in the output and stops nothing. The output appears whole, after the last row; explanations appear one after
// the other. `on_rows` hears how many rows are done. Errors: NOT_FOUND no such input; INVALID_ARGUMENT (naming file and
// line) an input without header, columns or rows, a truncated one, or damaged data; likewise a file of vectors.
absl::StatusOr<PredictTableSummary> PredictTable(const Predictor& predictor, const PredictTableOptions& options,
                                                 const std::function<void(int64_t)>& on_rows);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_PREDICT_TABLE_H_
