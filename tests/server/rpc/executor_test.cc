#include "server/rpc/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

// Keeps the only thread busy until it is opened.
struct Gate {
  std::promise<void> reached;
  std::promise<void> open;
  std::function<void()> Task() {
    return [this] {
      reached.set_value();
      open.get_future().wait();
    };
  }
};

TEST(ExecutorTest, FullQueueRefusesNewCallsButNotSteps) {
  std::atomic<int> done{0};
  Gate gate;
  {
    Executor executor(1, 2);
    ASSERT_THAT(executor.Schedule(gate.Task()), IsOk());
    gate.reached.get_future().wait();
    ASSERT_THAT(executor.Schedule([&] { ++done; }), IsOk());
    ASSERT_THAT(executor.Schedule([&] { ++done; }), IsOk());
    EXPECT_THAT(executor.Schedule([&] { ++done; }),
                IsError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS", "too many calls"));
    executor.ScheduleStep([&] { ++done; });
    gate.open.set_value();
  }
  EXPECT_EQ(done, 3);
}

TEST(ExecutorTest, DestructionRunsWhatWaitsInOrder) {
  std::vector<int> order;
  Gate gate;
  {
    Executor executor(1, 10);
    ASSERT_THAT(executor.Schedule(gate.Task()), IsOk());
    for (int i = 0; i < 4; ++i) ASSERT_THAT(executor.Schedule([&order, i] { order.push_back(i); }), IsOk());
    gate.open.set_value();
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace deepbindnet
