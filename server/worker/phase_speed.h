// How fast a phase of a job is.
#ifndef DEEPBINDNET_SERVER_WORKER_PHASE_SPEED_H_
#define DEEPBINDNET_SERVER_WORKER_PHASE_SPEED_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deepbindnet {

class PhaseSpeed {
 public:
  // `done` units of `phase` are done at `now`. Another phase, or fewer units than before, begin anew.
  void Update(absl::string_view phase, int64_t done, absl::Time now);

  // In units a second, since the phase began; 0 while nothing is known.
  double rate() const { return rate_; }

 private:
  std::string phase_;
  int64_t first_ = 0;  // Done when the phase began.
  int64_t last_ = 0;
  absl::Time begin_;
  double rate_ = 0.0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_PHASE_SPEED_H_
