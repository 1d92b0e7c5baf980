#include "core/training/schedule.h"

#include <algorithm>
#include <cmath>

namespace deepbindnet {

double WarmupCosine(double progress, double warmup_fraction) {
  const double p = std::clamp(progress, 0.0, 1.0);
  if (p < warmup_fraction) return std::max(kFinalShare, p / warmup_fraction);
  const double phase = warmup_fraction < 1 ? (p - warmup_fraction) / (1 - warmup_fraction) : 1.0;
  return kFinalShare + (1 - kFinalShare) * 0.5 * (1 + std::cos(M_PI * phase));
}

}  // namespace deepbindnet
