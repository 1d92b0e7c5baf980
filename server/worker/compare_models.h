// From checkpoints to a comparison on disk.
#ifndef DEEPBINDNET_SERVER_WORKER_COMPARE_MODELS_H_
#define DEEPBINDNET_SERVER_WORKER_COMPARE_MODELS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/evaluation/comparison.h"

namespace deepbindnet {

struct NamedCheckpoint {
  std::string name;
  std::string checkpoint;  // Path.
};

struct ModelComparisonRun {
  ComparisonInput input;
  Comparison comparison;
};

// Called with the phase ("evaluating", "drawing") and the models done of `total`.
using CompareProgress = std::function<void(absl::string_view phase, int64_t done, int64_t total)>;

// Predicts the test part of the data set in `data_dir` with every checkpoint and writes the comparison into
// `output_dir`. `dataset` is its name in the report. Errors as Evaluate, Compare and WriteComparison.
absl::StatusOr<ModelComparisonRun> CompareModels(const std::vector<NamedCheckpoint>& models, const std::string& dataset,
                                                 const std::string& data_dir, const std::string& output_dir,
                                                 const CompareProgress& progress);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_COMPARE_MODELS_H_
