// Time that moves when a test says so.
#ifndef DEEPBINDNET_TESTS_SUPPORT_FAKE_CLOCK_H_
#define DEEPBINDNET_TESTS_SUPPORT_FAKE_CLOCK_H_

#include <set>
#include <utility>

#include "server/jobs/clock.h"

namespace deepbindnet {

// Thread-safe. Must outlive those who wait on it.
class FakeClock : public Clock {
 public:
  absl::Time Now() override {
    MutexLock lock(&mutex_);
    return now_;
  }

  // Waits for a signal or for Advance().
  void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    {
      MutexLock lock(&mutex_);
      if (deadline <= now_) return;
      waits_.insert({condition, mutex});
    }
    condition->Wait(mutex);
  }

  void Advance(absl::Duration by) {
    std::set<std::pair<CondVar*, Mutex*>> waits;
    {
      MutexLock lock(&mutex_);
      now_ += by;
      waits = std::exchange(waits_, {});
    }
    for (const auto& [condition, mutex] : waits) {
      MutexLock lock(mutex);  // So that nobody is between looking at the time and waiting.
      condition->SignalAll();
    }
  }

 private:
  Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1700000000);
  std::set<std::pair<CondVar*, Mutex*>> waits_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_FAKE_CLOCK_H_
