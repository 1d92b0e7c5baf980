#include "core/training/ranks.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

// Runs `body` on every rank, each on a thread of its own; they meet over real sockets.
void OnRanks(int size, const std::function<void(Ranks*)>& body) {
  std::promise<int> port;
  std::shared_future<int> listening = port.get_future().share();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      RankPlace place;
      place.rank = rank;
      place.world_size = size;
      if (rank == 0) {
        place.on_listening = [&](int value) {
          port.set_value(value);
          return absl::OkStatus();
        };
      } else {
        place.master_port = listening.get();
      }
      auto ranks = Ranks::Connect(place, torch::kCPU);
      ASSERT_THAT(ranks, IsOk());
      body(ranks->get());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(RanksTest, OneRankSendsNothing) {
  ASSERT_OK_AND_ASSIGN(const auto ranks, Ranks::Connect(RankPlace(), torch::kCPU));
  EXPECT_EQ(ranks->size(), 1);
  EXPECT_TRUE(ranks->writes());
  const torch::Tensor tensor = torch::ones({2});
  EXPECT_THAT(ranks->Sum(tensor), IsOk());
  EXPECT_TRUE(torch::equal(tensor, torch::ones({2})));
  EXPECT_EQ(*ranks->BroadcastText("text"), "text");
}

TEST(RanksTest, SumsAreTheSameBitsOnEveryRank) {
  constexpr int kSize = 3;
  std::vector<torch::Tensor> sums(kSize);
  OnRanks(kSize, [&](Ranks* ranks) {
    torch::Tensor tensor = torch::arange(1000, torch::kFloat64).mul(0.1 * (ranks->rank() + 1));
    ASSERT_THAT(ranks->Sum(tensor), IsOk());
    sums[ranks->rank()] = tensor;
  });
  EXPECT_TRUE(torch::allclose(sums[0], torch::arange(1000, torch::kFloat64) * 0.6));
  EXPECT_TRUE(torch::equal(sums[0], sums[1]) && torch::equal(sums[0], sums[2]));
}

TEST(RanksTest, ASumWithZerosIsExact) {
  std::vector<torch::Tensor> sums(2);
  const torch::Tensor values = torch::rand({999}, torch::kFloat64);
  OnRanks(2, [&](Ranks* ranks) {
    torch::Tensor mine = torch::zeros_like(values);
    const int64_t begin = ranks->rank() * 500, end = ranks->rank() == 0 ? 500 : 999;
    mine.slice(0, begin, end).copy_(values.slice(0, begin, end));
    ASSERT_THAT(ranks->Sum(mine), IsOk());
    sums[ranks->rank()] = mine;
  });
  EXPECT_TRUE(torch::equal(sums[0], values) && torch::equal(sums[1], values));
}

TEST(RanksTest, EveryRankHasTheTextOfTheFirst) {
  OnRanks(2, [](Ranks* ranks) {
    for (const std::string& text : {std::string(), std::string("a\0b", 3), std::string(100000, 'x')}) {
      ASSERT_OK_AND_ASSIGN(const std::string got,
                           ranks->BroadcastText(ranks->rank() == 0 ? text : "of another length than rank 0's"));
      EXPECT_EQ(got, text);
    }
  });
}

TEST(RanksTest, ARankThatIsGoneIsAnError) {
  OnRanks(2, [](Ranks* ranks) {
    if (ranks->rank() == 1) return;  // Its sockets close.
    absl::Status status;
    for (int call = 0; status.ok() && call < 2; ++call) status = ranks->Sum(torch::ones({4}));
    EXPECT_THAT(status, IsError(absl::StatusCode::kInternal, "RANK_LOST", "rank 0 of 2: another process"));
  });
}

TEST(RanksTest, RanksThatDoNotComeAreNamed) {
  RankPlace place;
  place.world_size = 2;
  place.connect_seconds = 1;
  EXPECT_THAT(Ranks::Connect(place, torch::kCPU), IsError(absl::StatusCode::kUnavailable, "RANKS_MISSING",
                                                          "rank 0 of 2: the ranks did not meet at 127.0.0.1"));
}

TEST(RanksTest, AnErrorOfTheLauncherIsPassedOn) {
  RankPlace place;
  place.world_size = 2;
  place.on_listening = [](int) { return absl::NotFoundError("no program"); };
  EXPECT_EQ(Ranks::Connect(place, torch::kCPU).status(), absl::NotFoundError("no program"));
}

class RankPlaceTest : public testing::Test {
 protected:
  RankPlaceTest() {
    for (const char* const name : kNames) unsetenv(name);
  }
  ~RankPlaceTest() override {
    for (const char* const name : kNames) unsetenv(name);
  }

  static void Set(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), /*overwrite=*/1);
  }

  static constexpr const char* kNames[] = {"RANK",
                                           "WORLD_SIZE",
                                           "LOCAL_RANK",
                                           "MASTER_ADDR",
                                           "MASTER_PORT",
                                           "TORCHELASTIC_USE_AGENT_STORE",
                                           "TORCHELASTIC_RESTART_COUNT"};
};

TEST_F(RankPlaceTest, AloneWithoutVariables) {
  ASSERT_OK_AND_ASSIGN(const RankPlace place, RankPlaceFromEnvironment());
  EXPECT_EQ(place.world_size, 1);
  EXPECT_EQ(place.rank, 0);
}

TEST_F(RankPlaceTest, IsWhatTheVariablesSay) {
  Set({{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "node0"}, {"MASTER_PORT", "29500"}});
  ASSERT_OK_AND_ASSIGN(const RankPlace place, RankPlaceFromEnvironment());
  EXPECT_EQ(place.rank, 3);
  EXPECT_EQ(place.world_size, 4);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.master_addr, "node0");
  EXPECT_EQ(place.master_port, 29500);
  EXPECT_TRUE(place.hosts_store);
}

TEST_F(RankPlaceTest, TakesTheStoreOfTorchrun) {
  Set({{"RANK", "0"},
       {"WORLD_SIZE", "2"},
       {"MASTER_ADDR", "localhost"},
       {"MASTER_PORT", "29500"},
       {"TORCHELASTIC_USE_AGENT_STORE", "True"},
       {"TORCHELASTIC_RESTART_COUNT", "2"}});
  ASSERT_OK_AND_ASSIGN(const RankPlace place, RankPlaceFromEnvironment());
  EXPECT_FALSE(place.hosts_store);
  EXPECT_EQ(place.store_prefix, "/worker/attempt_2");
}

TEST_F(RankPlaceTest, WhatIsMissingOrWrongIsNamed) {
  const std::map<std::string, std::string> good = {
      {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "node0"}, {"MASTER_PORT", "29500"}};
  const auto expect_refused = [&](const std::string& name, const std::string& value, const std::string& text) {
    Set(good);
    Set({{name, value}});
    EXPECT_THAT(RankPlaceFromEnvironment(), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", text));
  };
  expect_refused("RANK", "2", "RANK: 2 is not a whole number from 0 to 1");
  expect_refused("RANK", "", "RANK: (not set) is not a whole number");
  expect_refused("WORLD_SIZE", "many", "WORLD_SIZE: many is not a whole number from 1");
  expect_refused("LOCAL_RANK", "-1", "LOCAL_RANK: -1 is not a whole number");
  expect_refused("MASTER_PORT", "0", "MASTER_PORT: 0 is not a whole number from 1 to 65535");
  expect_refused("MASTER_ADDR", "", "MASTER_ADDR: (not set) is no host");
}

}  // namespace
}  // namespace deepbindnet
