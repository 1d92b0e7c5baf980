#include "server/jobs/listener_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "server/jobs/clock.h"
#include "server/jobs/job_id.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ListenerRegistryTest, CallsThoseOfTheJobInOrder) {
  ListenerRegistry registry;
  std::vector<std::string> calls;
  const auto first = registry.Add("a", [&calls] { calls.push_back("first"); });
  const auto second = registry.Add("a", [&calls] { calls.push_back("second"); });
  const auto other = registry.Add("b", [&calls] { calls.push_back("other"); });
  registry.Notify("a");
  EXPECT_THAT(calls, ElementsAre("first", "second"));
}

TEST(ListenerRegistryTest, StopsWithTheHandle) {
  ListenerRegistry registry;
  std::vector<std::string> calls;
  auto handle = registry.Add("a", [&calls] { calls.push_back("call"); });
  const auto kept = handle;
  handle = nullptr;
  registry.Notify("a");
  EXPECT_THAT(calls, ElementsAre("call"));  // A copy of the handle still stands.
}

TEST(ListenerRegistryTest, IsSilentAfterTheLastCopyOfAHandle) {
  ListenerRegistry registry;
  std::vector<std::string> calls;
  auto handle = registry.Add("a", [&calls] { calls.push_back("call"); });
  handle = nullptr;
  registry.Notify("a");
  EXPECT_THAT(calls, IsEmpty());
}

TEST(ListenerRegistryTest, AHandleMayOutliveTheRegistry) {
  auto registry = std::make_unique<ListenerRegistry>();
  auto token = std::make_shared<int>(1);
  auto handle = registry->Add("a", [token] {});
  registry = nullptr;
  handle = nullptr;
  EXPECT_EQ(token.use_count(), 1);  // The listener is gone.
}

TEST(ListenerRegistryTest, NoCallOutlivesItsHandle) {
  ListenerRegistry registry;
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    while (!stop) registry.Notify("a");
  });
  for (int i = 0; i < 2000; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto handle = registry.Add("a", [raw = alive.get()] { ASSERT_TRUE(raw->load()); });
    handle = nullptr;
    *alive = false;
  }
  stop = true;
  caller.join();
}

TEST(RandomJobIdTest, IsSixtyBitsOfBase32) {
  std::set<std::string> ids;
  const std::regex pattern("job-[a-z2-7]{12}");
  for (int i = 0; i < 1000; ++i) {
    const std::string id = RandomJobId();
    EXPECT_TRUE(std::regex_match(id, pattern)) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000);
}

TEST(ClockTest, TimestampsCarryNanoseconds) {
  const auto timestamp = ToTimestamp(absl::FromUnixSeconds(12) + absl::Nanoseconds(34));
  EXPECT_EQ(timestamp.seconds(), 12);
  EXPECT_EQ(timestamp.nanos(), 34);
}

TEST(ClockTest, RealClockWaitsNoLongerThanTheDeadline) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  RealClock()->WaitUntil(&never, &mutex, absl::InfinitePast());
  RealClock()->WaitUntil(&never, &mutex, RealClock()->Now() + absl::Milliseconds(1));
}

}  // namespace
}  // namespace deepbindnet
