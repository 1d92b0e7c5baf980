#include "core/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace deepbindnet {
namespace {

struct Counter {
  Mutex mutex;
  CondVar changed;
  int value ABSL_GUARDED_BY(mutex) = 0;
};

TEST(MutexTest, LockExcludesOtherThreads) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int j = 0; j < 10000; ++j) {
        const MutexLock lock(&counter.mutex);
        ++counter.value;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(&counter.mutex);
  EXPECT_EQ(counter.value, 40000);
}

TEST(CondVarTest, WaitReleasesTheLockAndSeesTheSignalledChange) {
  Counter counter;
  std::thread setter([&counter] {
    const MutexLock lock(&counter.mutex);
    counter.value = 1;
    counter.changed.Signal();
  });
  {
    const MutexLock lock(&counter.mutex);
    while (counter.value == 0) counter.changed.Wait(&counter.mutex);
    EXPECT_EQ(counter.value, 1);
  }
  setter.join();
}

TEST(CondVarTest, SignalAllWakesEveryWaiter) {
  Counter counter;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&counter] {
      const MutexLock lock(&counter.mutex);
      while (counter.value == 0) counter.changed.Wait(&counter.mutex);
      ++counter.value;
    });
  }
  {
    const MutexLock lock(&counter.mutex);
    counter.value = 1;
    counter.changed.SignalAll();
  }
  for (std::thread& waiter : waiters) waiter.join();
  const MutexLock lock(&counter.mutex);
  EXPECT_EQ(counter.value, 1 + 3);
}

TEST(CondVarTest, WaitUntilAPastDeadlineReturnsFalseAndHoldsTheLock) {
  Counter counter;
  const MutexLock lock(&counter.mutex);
  EXPECT_FALSE(counter.changed.WaitUntil(&counter.mutex, std::chrono::steady_clock::now() - std::chrono::seconds(1)));
  counter.value = 1;  // Still ours: the analysis and a sanitizer would object otherwise.
  EXPECT_EQ(counter.value, 1);
}

}  // namespace
}  // namespace deepbindnet
