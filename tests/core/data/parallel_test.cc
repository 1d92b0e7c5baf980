#include "core/data/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

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

TEST(ParallelForTest, NothingToDoReturnsAtOnce) {
  ParallelFor(
      0, [](int64_t) { FAIL(); }, [](int64_t done) { EXPECT_EQ(done, 0); });
}

}  // namespace
}  // namespace deepbindnet
