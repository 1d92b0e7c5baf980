// The affinity's z-score, fitted on the training part alone.
#ifndef DEEPBINDNET_CORE_DATA_SCALER_H_
#define DEEPBINDNET_CORE_DATA_SCALER_H_

#include <vector>

namespace deepbindnet {

struct Scaler {
  double mean = 0.0;  // In the affinity's unit.
  double sd = 1.0;    // Population standard deviation in the affinity's unit; 1 where the data are constant.

  double Scale(double affinity) const { return (affinity - mean) / sd; }
  double Unscale(double z) const { return z * sd + mean; }
};

Scaler FitScaler(const std::vector<double>& affinities);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_SCALER_H_
