#include "server/jobs/clock.h"

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"

namespace deepbindnet {
namespace {

class SystemClock : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }

  void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (deadline == absl::InfiniteFuture()) {
      condition->Wait(mutex);
      return;
    }
    // At most an hour at a time: by then it is noticed where the wall clock was set forward meanwhile.
    const absl::Duration left = std::clamp(deadline - Now(), absl::ZeroDuration(), absl::Hours(1));
    condition->WaitUntil(mutex, std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(left));
  }
};

}  // namespace

Clock* RealClock() {
  static Clock* const clock = new SystemClock;
  return clock;
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  const int64_t nanos = absl::ToUnixNanos(time);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(nanos / 1000000000);
  timestamp.set_nanos(static_cast<int32_t>(nanos % 1000000000));
  return timestamp;
}

}  // namespace deepbindnet
