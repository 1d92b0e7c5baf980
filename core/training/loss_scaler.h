// The factor that keeps small fp16 gradients from vanishing.
#ifndef DEEPBINDNET_CORE_TRAINING_LOSS_SCALER_H_
#define DEEPBINDNET_CORE_TRAINING_LOSS_SCALER_H_

#include <cstdint>

namespace deepbindnet {

// Dynamic loss scaling: Micikevicius et al. 2018, "Mixed Precision Training", section 3.2. The scale halves at a step
// whose gradient overflows, which is then not taken, and doubles after kStepsToGrow steps without one.
struct LossScaler {
  static constexpr double kFirst = 65536, kSmallest = 1;
  static constexpr int64_t kStepsToGrow = 2000;

  // Takes note of a step. False where its gradient is not finite and no smaller scale is left to try.
  bool Update(bool finite) {
    if (!finite) {
      good_steps = 0;
      scale /= 2;
      return scale >= kSmallest;
    }
    if (++good_steps == kStepsToGrow) {
      good_steps = 0;
      scale *= 2;
    }
    return true;
  }

  double scale = kFirst;
  int64_t good_steps = 0;  // Since the scale changed, 0..kStepsToGrow-1.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_LOSS_SCALER_H_
