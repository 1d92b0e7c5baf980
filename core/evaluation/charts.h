// The four charts of a comparison.
#ifndef DEEPBINDNET_CORE_EVALUATION_CHARTS_H_
#define DEEPBINDNET_CORE_EVALUATION_CHARTS_H_

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/evaluation/comparison.h"

namespace deepbindnet {

struct Chart {
  std::string name;     // File name without extension.
  std::string title;    // For people.
  std::string caption;  // What it shows and how to read it, in a sentence or two.
  std::string png;      // The file's bytes.
  std::string svg;      // The file's text, on a white background.
};

// Draws prediction_comparison, error_distribution, metrics_comparison and improvement_percentage, in this order, with
// gnuplot in a temporary directory. `comparison` is Compare(input). Colours are told apart without colour vision of one
// kind or another (Okabe and Ito 2008). Errors as RunGnuplot.
absl::StatusOr<std::vector<Chart>> DrawCharts(const ComparisonInput& input, const Comparison& comparison);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_EVALUATION_CHARTS_H_
