// Time that moves when a test says so.
#ifndef DEEPBINDNET_TESTS_SUPPORT_FAKE_CLOCK_H_
#define DEEPBINDNET_TESTS_SUPPORT_FAKE_CLOCK_H_

#include <algorithm>
#include <set>
#include <tuple>

#include "server/jobs/clock.h"
#include "tests/support/fake_worker_launcher.h"

namespace deepbindnet {

// Thread-safe. Must outlive those who wait on it; they may go while nobody calls Advance().
class FakeClock : public Clock {
 public:
  absl::Time Now() override {
    MutexLock lock(&mutex_);
    return now_;
  }

  // Waits for a signal or for Advance().
  void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::multiset<Wait>::iterator wait;
    {
      MutexLock lock(&mutex_);
      if (deadline <= now_) return;
      wait = waits_.insert({deadline, condition, mutex});
      waiting_.SignalAll();
    }
    condition->Wait(mutex);
    MutexLock lock(&mutex_);
    waits_.erase(wait);
  }

  // Waits until somebody waits for the time that comes `ahead` from now; false after TestDeadline().
  bool WaitForWaiter(absl::Duration ahead) {
    MutexLock lock(&mutex_);
    while (!HasWaiter(now_ + ahead)) {
      if (!waiting_.WaitUntil(&mutex_, TestDeadline())) return HasWaiter(now_ + ahead);
    }
    return true;
  }

  void Advance(absl::Duration by) {
    std::multiset<Wait> waits;
    {
      MutexLock lock(&mutex_);
      now_ += by;
      waits = waits_;
    }
    for (const auto& [deadline, condition, mutex] : waits) {
      MutexLock lock(mutex);  // So that nobody is between looking at the time and waiting.
      condition->SignalAll();
    }
  }

 private:
  using Wait = std::tuple<absl::Time, CondVar*, Mutex*>;

  bool HasWaiter(absl::Time until) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::any_of(waits_.begin(), waits_.end(), [until](const Wait& wait) { return std::get<0>(wait) == until; });
  }

  Mutex mutex_;
  CondVar waiting_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1700000000);
  std::multiset<Wait> waits_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_FAKE_CLOCK_H_
