// Regression metrics of drug-target affinity prediction.
#ifndef DEEPBINDNET_CORE_EVALUATION_METRICS_H_
#define DEEPBINDNET_CORE_EVALUATION_METRICS_H_

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// In the affinity's unit. A value that is not defined (r2, pearson, spearman, rm2 of constant data, ci without a pair
// of different affinities, anything of no data) is NaN, and so is everything until it is measured.
struct RegressionMetrics {
  static constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

  int64_t pairs = 0;
  double mse = kUndefined;
  double rmse = kUndefined;
  double mae = kUndefined;
  double r2 = kUndefined;  // 1 - MSE / population variance of the truth.
  double pearson = kUndefined;
  double spearman = kUndefined;  // Pearson of mid-ranks.
  double ci = kUndefined;        // Concordance index (Goenen and Heller 2005): ties in the prediction count one half.
  double rm2 =
      kUndefined;  // r^2 (1 - sqrt(|r^2 - r0^2|)), Roy and Roy 2008; as in DeepDTA, |r^4 - r0^4| under the root.
};

// `truth` and `predicted` are parallel: one value a pair. The functions are pure: any thread may call them.

// The errors alone (pairs, mse, rmse, mae, r2; the rest is NaN) in O(n), or everything in O(n log n). A value that is
// not finite on either side makes every metric NaN.
RegressionMetrics ComputeErrors(const std::vector<double>& truth, const std::vector<double>& predicted);
RegressionMetrics ComputeMetrics(const std::vector<double>& truth, const std::vector<double>& predicted);

// True for no values.
bool AllFinite(const std::vector<double>& values);

// In [0, 1]; 0.5 for constant predictions. O(n log n) with a Fenwick tree over prediction ranks.
double ConcordanceIndex(const std::vector<double>& truth, const std::vector<double>& predicted);

// Every metric with its name: mse, rmse, mae, r2, pearson, spearman, ci, rm2.
std::vector<std::pair<absl::string_view, double>> NamedMetrics(const RegressionMetrics& metrics);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_EVALUATION_METRICS_H_
