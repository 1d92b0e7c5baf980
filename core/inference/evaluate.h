// A checkpoint measured on a processed data set.
#ifndef DEEPBINDNET_CORE_INFERENCE_EVALUATE_H_
#define DEEPBINDNET_CORE_INFERENCE_EVALUATE_H_

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/processed_dataset.h"
#include "core/evaluation/metrics.h"

namespace deepbindnet {

struct Evaluation {
  std::string model_type;         // "gated" or "standard".
  std::string digest;             // SHA-256 (hex) of the checkpoint.
  std::string affinity_unit;      // May be empty.
  PairTable pairs;                // The part's pairs; truth is pairs.affinity.
  std::vector<double> predicted;  // Parallel to pairs, in the affinity's unit.
  RegressionMetrics metrics;
};

// Predicts one part of the data set in `data_dir` with `checkpoint`. NOT_FOUND where either is missing;
// INVALID_ARGUMENT where either is damaged, or a protein of the part is longer than the model takes
// (SEQUENCE_TOO_LONG); FAILED_PRECONDITION where the part has no pairs (EMPTY_PART), the model was trained in another
// unit (OTHER_UNIT), or takes protein features that neither the data set nor the checkpoint has (OTHER_FEATURES).
absl::StatusOr<Evaluation> Evaluate(const std::string& checkpoint, const std::string& data_dir, Part part);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_INFERENCE_EVALUATE_H_
