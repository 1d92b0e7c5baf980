#include "core/data/scaler.h"

#include <cmath>

namespace deepbindnet {

Scaler FitScaler(const std::vector<double>& affinities) {
  Scaler scaler;
  if (affinities.empty()) return scaler;
  const auto count = static_cast<double>(affinities.size());
  double sum = 0.0;
  for (const double affinity : affinities) sum += affinity;
  scaler.mean = sum / count;
  double squares = 0.0;
  for (const double affinity : affinities) squares += (affinity - scaler.mean) * (affinity - scaler.mean);
  const double sd = std::sqrt(squares / count);
  // The mean of equal values is off by rounding, which would otherwise be blown up to a unit variance.
  const bool constant = sd <= 1e-12 * std::abs(scaler.mean) || sd == 0.0;
  scaler.sd = constant ? 1.0 : sd;
  return scaler;
}

}  // namespace deepbindnet
