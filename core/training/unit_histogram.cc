#include "core/training/unit_histogram.h"

#include <algorithm>

namespace deepbindnet {

UnitHistogram MakeUnitHistogram(const torch::Tensor& values) {
  const torch::Tensor flat = values.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const double* const first = flat.data_ptr<double>();
  UnitHistogram histogram;
  histogram.min = histogram.max = *first;
  std::vector<double> counts(kUnitBuckets, 0.0);
  for (const double* value = first; value != first + flat.numel(); ++value) {
    ++counts[std::clamp(static_cast<int>(*value * kUnitBuckets), 0, kUnitBuckets - 1)];
    histogram.min = std::min(histogram.min, *value);
    histogram.max = std::max(histogram.max, *value);
    histogram.sum += *value;
    histogram.sum_of_squares += *value * *value;
  }
  histogram.count = static_cast<double>(flat.numel());
  const auto is_used = [](double count) { return count > 0; };
  const auto begin = std::find_if(counts.begin(), counts.end(), is_used);
  const auto end = std::find_if(counts.rbegin(), counts.rend(), is_used).base();
  histogram.counts.assign(begin, end);
  for (auto bucket = begin; bucket != end; ++bucket) {
    histogram.limits.push_back(static_cast<double>(bucket - counts.begin() + 1) / kUnitBuckets);
  }
  return histogram;
}

}  // namespace deepbindnet
