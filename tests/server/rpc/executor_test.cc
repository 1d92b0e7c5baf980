#include "server/rpc/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tests/server/predict/gate.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

TEST(ExecutorTest, FullQueueRefusesNewCallsButNotSteps) {
  std::atomic<int> done{0};
  Gate gate;
  {
    Executor executor(1, 2);
    ASSERT_THAT(executor.Schedule([&gate] { gate.Pass(); }), IsOk());
    gate.WaitUntilReached();
    ASSERT_THAT(executor.Schedule([&] { ++done; }), IsOk());
    ASSERT_THAT(executor.Schedule([&] { ++done; }), IsOk());
    EXPECT_THAT(executor.Schedule([&] { ++done; }),
                IsError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS", "too many calls"));
    executor.ScheduleStep([&] { ++done; });
    gate.Open();
  }
  EXPECT_EQ(done, 3);
}

TEST(ExecutorTest, DestructionRunsWhatWaitsInOrder) {
  std::vector<int> order;
  Gate gate;
  {
    Executor executor(1, 10);
    ASSERT_THAT(executor.Schedule([&gate] { gate.Pass(); }), IsOk());
    for (int i = 0; i < 4; ++i) ASSERT_THAT(executor.Schedule([&order, i] { order.push_back(i); }), IsOk());
    gate.Open();
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace deepbindnet
