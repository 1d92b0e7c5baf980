// Two or more models measured on the same pairs, with charts.
#ifndef DEEPBINDNET_CORE_EVALUATION_COMPARISON_H_
#define DEEPBINDNET_CORE_EVALUATION_COMPARISON_H_

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/evaluation/metrics.h"

namespace deepbindnet {

// One model's predictions, parallel to ComparisonInput::truth.
struct ModelPredictions {
  std::string name;
  std::string model_type;         // "gated", "standard", or empty for imported predictions.
  std::string digest;             // SHA-256 (hex) of the checkpoint; empty where there is none.
  std::vector<double> predicted;  // In the affinity's unit.
};

struct ComparisonInput {
  std::string dataset;
  std::string dataset_digest;
  std::string affinity_unit;  // May be empty.
  std::vector<double> truth;
  std::vector<ModelPredictions> models;  // Two or more; the first is the reference.
};

struct ModelComparison {
  std::string name;
  std::string model_type;
  RegressionMetrics metrics;
  // Against the reference, positive is better; 0 for the reference; NaN where the reference's value is 0.
  double rmse_improvement_percent = 0.0;
  double mae_improvement_percent = 0.0;
  double r2_improvement_percent = 0.0;
};

struct Comparison {
  std::vector<ModelComparison> models;  // In the order of the input.
};

// INVALID_ARGUMENT with fewer than two models, no pairs, different lengths or a repeated name.
absl::StatusOr<Comparison> Compare(const ComparisonInput& input);

// Writes into `output_dir` (made where missing): report.json, metrics.csv, predictions.csv, report.html (one
// self-contained file), and prediction_comparison, error_distribution, metrics_comparison, improvement_percentage as
// .png and .svg, drawn by gnuplot. Each file appears whole. UNAVAILABLE with the remedy where gnuplot is missing.
absl::Status WriteComparison(const ComparisonInput& input, const Comparison& comparison, const std::string& output_dir);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_EVALUATION_COMPARISON_H_
