#include "server/worker/phase_speed.h"

namespace deepbindnet {

void PhaseSpeed::Update(absl::string_view phase, int64_t done, absl::Time now) {
  if (phase != phase_ || done < last_) {
    phase_ = std::string(phase);
    first_ = done;
    begin_ = now;
  }
  last_ = done;
  const double seconds = absl::ToDoubleSeconds(now - begin_);
  rate_ = seconds > 0.0 ? static_cast<double>(done - first_) / seconds : 0.0;
}

}  // namespace deepbindnet
