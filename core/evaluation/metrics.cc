#include "core/evaluation/metrics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace deepbindnet {
namespace {

constexpr double kUndefined = RegressionMetrics::kUndefined;

// Compares values, not their spread: the rounding of a mean gives constant data a tiny variance.
bool IsConstant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&values](double value) { return value == values.front(); });
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double SumOfSquaredDeviations(const std::vector<double>& values) {
  const double mean = Mean(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum;
}

double Pearson(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || IsConstant(a) || IsConstant(b)) return kUndefined;
  const double mean_a = Mean(a);
  const double mean_b = Mean(b);
  double product = 0.0;
  for (size_t i = 0; i < a.size(); ++i) product += (a[i] - mean_a) * (b[i] - mean_b);
  return product / std::sqrt(SumOfSquaredDeviations(a)) / std::sqrt(SumOfSquaredDeviations(b));
}

// Indices of `values` in ascending order of value.
std::vector<size_t> Order(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&values](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

// Calls `visit(begin, end)` for every run of equal values, ascending; the bounds index `order`.
template <typename Visit>
void ForEachTie(const std::vector<double>& values, const std::vector<size_t>& order, Visit visit) {
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    visit(begin, end);
    begin = end;
  }
}

// Ranks from 1; equal values share the mean of their ranks.
std::vector<double> MidRanks(const std::vector<double>& values) {
  const std::vector<size_t> order = Order(values);
  std::vector<double> ranks(values.size());
  ForEachTie(values, order, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = (static_cast<double>(begin + end) + 1.0) / 2.0;
  });
  return ranks;
}

// Ranks from 1 without gaps; equal values share one.
std::vector<size_t> DenseRanks(const std::vector<double>& values) {
  const std::vector<size_t> order = Order(values);
  std::vector<size_t> ranks(values.size());
  size_t rank = 0;
  ForEachTie(values, order, [&](size_t begin, size_t end) {
    ++rank;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
  });
  return ranks;
}

// Counts of ranks 1..size under insertion.
class FenwickTree {
 public:
  explicit FenwickTree(size_t size) : counts_(size + 1, 0) {}

  void Insert(size_t rank) {
    for (; rank < counts_.size(); rank += rank & (~rank + 1)) ++counts_[rank];
  }
  int64_t CountUpTo(size_t rank) const {
    int64_t count = 0;
    for (; rank > 0; rank -= rank & (~rank + 1)) count += counts_[rank];
    return count;
  }

 private:
  std::vector<int64_t> counts_;
};

double Rm2(const std::vector<double>& truth, const std::vector<double>& predicted, double pearson) {
  if (std::isnan(pearson)) return kUndefined;
  double product = 0.0;
  double square = 0.0;
  for (size_t i = 0; i < truth.size(); ++i) {
    product += truth[i] * predicted[i];
    square += predicted[i] * predicted[i];
  }
  const double slope = product / square;  // Of the regression through the origin.
  double residual = 0.0;
  for (size_t i = 0; i < truth.size(); ++i) {
    residual += (truth[i] - slope * predicted[i]) * (truth[i] - slope * predicted[i]);
  }
  const double r2 = pearson * pearson;
  const double r02 = 1.0 - residual / SumOfSquaredDeviations(truth);
  return r2 * (1.0 - std::sqrt(std::abs(r2 * r2 - r02 * r02)));
}

}  // namespace

bool AllFinite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

RegressionMetrics ComputeErrors(const std::vector<double>& truth, const std::vector<double>& predicted) {
  assert(truth.size() == predicted.size());
  RegressionMetrics metrics;
  metrics.pairs = static_cast<int64_t>(truth.size());
  if (truth.empty() || !AllFinite(truth) || !AllFinite(predicted)) return metrics;
  double squares = 0.0;
  double absolutes = 0.0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const double error = predicted[i] - truth[i];
    squares += error * error;
    absolutes += std::abs(error);
  }
  const double count = static_cast<double>(truth.size());
  metrics.mse = squares / count;
  metrics.rmse = std::sqrt(metrics.mse);
  metrics.mae = absolutes / count;
  if (!IsConstant(truth)) metrics.r2 = 1.0 - squares / SumOfSquaredDeviations(truth);
  return metrics;
}

RegressionMetrics ComputeMetrics(const std::vector<double>& truth, const std::vector<double>& predicted) {
  RegressionMetrics metrics = ComputeErrors(truth, predicted);
  if (truth.empty() || !AllFinite(truth) || !AllFinite(predicted)) return metrics;
  metrics.pearson = Pearson(truth, predicted);
  metrics.spearman = Pearson(MidRanks(truth), MidRanks(predicted));
  metrics.ci = ConcordanceIndex(truth, predicted);
  metrics.rm2 = Rm2(truth, predicted, metrics.pearson);
  return metrics;
}

double ConcordanceIndex(const std::vector<double>& truth, const std::vector<double>& predicted) {
  assert(truth.size() == predicted.size());
  if (!AllFinite(truth) || !AllFinite(predicted)) return kUndefined;
  const std::vector<size_t> order = Order(truth);
  const std::vector<size_t> ranks = DenseRanks(predicted);
  FenwickTree seen(ranks.size());
  int64_t half_concordant = 0;  // In halves of a pair, so that ties stay exact.
  int64_t comparable = 0;
  ForEachTie(truth, order, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t rank = ranks[order[i]];
      half_concordant += seen.CountUpTo(rank - 1) + seen.CountUpTo(rank);
    }
    comparable += static_cast<int64_t>(end - begin) * static_cast<int64_t>(begin);
    for (size_t i = begin; i < end; ++i) seen.Insert(ranks[order[i]]);
  });
  if (comparable == 0) return kUndefined;
  return static_cast<double>(half_concordant) / (2.0 * static_cast<double>(comparable));
}

std::vector<std::pair<absl::string_view, double>> NamedMetrics(const RegressionMetrics& metrics) {
  return {{"mse", metrics.mse},         {"rmse", metrics.rmse},         {"mae", metrics.mae}, {"r2", metrics.r2},
          {"pearson", metrics.pearson}, {"spearman", metrics.spearman}, {"ci", metrics.ci},   {"rm2", metrics.rm2}};
}

}  // namespace deepbindnet
