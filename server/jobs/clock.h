// Time as the job engine sees it, so that tests need not wait for it.
#ifndef DEEPBINDNET_SERVER_JOBS_CLOCK_H_
#define DEEPBINDNET_SERVER_JOBS_CLOCK_H_

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "google/protobuf/timestamp.pb.h"

namespace deepbindnet {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
  // Waits for a signal on `condition`, until `deadline` at the latest; may wake early.
  virtual void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) = 0;
};

// The machine's clock; lives for ever.
Clock* RealClock();

google::protobuf::Timestamp ToTimestamp(absl::Time time);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_CLOCK_H_
