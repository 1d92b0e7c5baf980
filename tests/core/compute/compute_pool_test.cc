#include "core/compute/compute_pool.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace deepbindnet {
namespace {

TEST(ComputePoolTest, TasksRunAtOnceEachOnItsOwnThread) {
  ComputePool pool(3);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> arrived{0};
    std::vector<std::thread::id> threads(3);
    pool.Run([&](int i) {
      threads[i] = std::this_thread::get_id();
      ++arrived;
      while (arrived < 3) std::this_thread::yield();  // Never ends where one waits for another.
    });
    const std::set<std::thread::id> distinct(threads.begin(), threads.end());
    EXPECT_EQ(distinct.size(), 3U);
    EXPECT_EQ(distinct.count(std::this_thread::get_id()), 0U);
  }
}

TEST(ComputePoolTest, OneTaskRunsOnTheCallersThread) {
  ComputePool pool(1);
  std::thread::id thread;
  pool.Run([&](int) { thread = std::this_thread::get_id(); });
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST(ComputePoolTest, DividesTheThreadsOfLibTorch) {
  const int before = at::get_num_threads();
  at::set_num_threads(5);
  ComputePool two(2), eight(8);
  std::vector<int> of_two(2), of_eight(8);
  two.Run([&](int i) { of_two[i] = at::get_num_threads(); });
  eight.Run([&](int i) { of_eight[i] = at::get_num_threads(); });
  EXPECT_EQ(of_two, std::vector<int>(2, 2));
  EXPECT_EQ(of_eight, std::vector<int>(8, 1));
  EXPECT_EQ(at::get_num_threads(), 5);
  int of_later_thread = 0;
  std::thread([&] { of_later_thread = at::get_num_threads(); }).join();
  EXPECT_EQ(of_later_thread, 5);
  at::set_num_threads(before);
}

TEST(ComputePoolTest, ThrowsTheFirstTasksExceptionAndGoesOn) {
  ComputePool pool(3);
  try {
    pool.Run([](int i) {
      if (i > 0) throw std::runtime_error(std::to_string(i));
    });
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "1");
  }
  std::atomic<int> calls{0};
  pool.Run([&](int) { ++calls; });
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace deepbindnet
