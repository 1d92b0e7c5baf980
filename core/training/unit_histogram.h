// How values between 0 and 1 are distributed.
#ifndef DEEPBINDNET_CORE_TRAINING_UNIT_HISTOGRAM_H_
#define DEEPBINDNET_CORE_TRAINING_UNIT_HISTOGRAM_H_

#include <torch/torch.h>

#include <vector>

namespace deepbindnet {

// [0, 1] is divided into this many buckets of equal width, whatever the values: epochs and runs can be compared.
inline constexpr int kUnitBuckets = 50;

// Of one value or more. Empty buckets before the first and after the last value are left out.
struct UnitHistogram {
  double count = 0.0;
  double min = 0.0, max = 0.0;
  double sum = 0.0, sum_of_squares = 0.0;
  std::vector<double> limits;  // Upper end of each bucket, which belongs to the next one; 1 belongs to the last.
  std::vector<double> counts;  // Of each bucket; their sum is `count`.
};

// Shape: any, float or bf16, on any device, with one value or more, each in [0, 1]. Waits for the device.
UnitHistogram MakeUnitHistogram(const torch::Tensor& values);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_UNIT_HISTOGRAM_H_
