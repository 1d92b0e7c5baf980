#include "core/data/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "core/base/cores.h"

namespace deepbindnet {
namespace {

using ::testing::Each;

TEST(ParallelForTest, EveryIndexIsVisitedOnce) {
  std::vector<std::atomic<int>> visits(1000);
  ParallelFor(
      1000, [&visits](int64_t i) { ++visits[static_cast<size_t>(i)]; }, [](int64_t) {});
  std::vector<int> counts;
  for (const std::atomic<int>& count : visits) counts.push_back(count.load());
  EXPECT_THAT(counts, Each(1));
}

TEST(ParallelForTest, ProgressIsReportedOnTheCallingThreadAndEndsAtTheTotal) {
  int64_t last = -1;
  const std::thread::id caller = std::this_thread::get_id();
  ParallelFor(
      100, [](int64_t) {},
      [&](int64_t done) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        EXPECT_GE(done, last);
        last = done;
      });
  EXPECT_EQ(last, 100);
}

TEST(ParallelForTest, EachUsableCoreHasAThread) {
  const int threads = UsableCores();
  std::atomic<int> arrived{0};
  std::vector<std::thread::id> ids(static_cast<size_t>(threads));
  ParallelFor(
      threads,
      [&](int64_t i) {
        ids[static_cast<size_t>(i)] = std::this_thread::get_id();
        ++arrived;
        // Holds its thread until all have begun; with fewer threads than pieces of work that never is.
        for (int spins = 0; arrived < threads && spins < 10000000; ++spins) std::this_thread::yield();
      },
      [](int64_t) {});
  EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), static_cast<size_t>(threads));
}

TEST(ParallelForTest, WhatProgressThrowsIsPassedOnWhenTheThreadsHaveEnded) {
  std::atomic<int> working{0};
  EXPECT_THROW(ParallelFor(
                   1000,
                   [&working](int64_t) {
                     ++working;
                     std::this_thread::yield();
                     --working;
                   },
                   [](int64_t) { throw std::runtime_error("stop"); }),
               std::runtime_error);
  EXPECT_EQ(working, 0);
}

bool CanStartAThread() {
  try {
    std::thread([] {}).join();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

// In a process of its own, which may have no further thread; root has no such limit and gives itself up.
[[noreturn]] void VisitWithoutFurtherThreads() {
  const rlimit none{0, 0};
  if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
  if (setrlimit(RLIMIT_NPROC, &none) != 0 || CanStartAThread()) _exit(2);
  std::atomic<int> visits{0};
  ParallelFor(
      100, [&visits](int64_t) { ++visits; }, [](int64_t) {});
  _exit(visits == 100 ? 0 : 1);
}

TEST(ParallelForTest, AThreadThatCannotBeStartedLeavesItsWorkToTheOthers) {
  // 2: the system lets nobody take threads away.
  EXPECT_EXIT(
      VisitWithoutFurtherThreads(),
      [](int status) { return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2); }, "");
}

TEST(ParallelForTest, NothingToDoReturnsAtOnce) {
  ParallelFor(
      0, [](int64_t) { FAIL(); }, [](int64_t done) { EXPECT_EQ(done, 0); });
}

}  // namespace
}  // namespace deepbindnet
