#include "server/jobs/listener_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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

}  // namespace
}  // namespace deepbindnet
