#include "core/compute/threads.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "core/base/cores.h"

namespace deepbindnet {
namespace {

constexpr char kVariable[] = "OMP_NUM_THREADS";

class SetComputeThreadsTest : public ::testing::Test {
 protected:
  ~SetComputeThreadsTest() override {
    if (set_) {
      setenv(kVariable, wanted_.c_str(), 1);
    } else {
      unsetenv(kVariable);
    }
    at::set_num_threads(threads_);
  }

  // What a thread that has not computed yet is told.
  static int OfANewThread() {
    int threads = 0;
    std::thread([&threads] { threads = at::get_num_threads(); }).join();
    return threads;
  }

 private:
  const int threads_ = at::get_num_threads();
  const bool set_ = std::getenv(kVariable) != nullptr;
  const std::string wanted_ = set_ ? std::getenv(kVariable) : "";
};

TEST_F(SetComputeThreadsTest, ANumberIsTakenWhateverTheEnvironmentSays) {
  setenv(kVariable, "3", 1);
  SetComputeThreads(5);
  EXPECT_EQ(at::get_num_threads(), 5);
  EXPECT_EQ(OfANewThread(), 5);
}

TEST_F(SetComputeThreadsTest, ZeroTakesWhatTheEnvironmentSays) {
  setenv(kVariable, std::to_string(UsableCores() + 2).c_str(), 1);
  SetComputeThreads(0);
  EXPECT_EQ(at::get_num_threads(), UsableCores() + 2);
  EXPECT_EQ(OfANewThread(), UsableCores() + 2);
}

TEST_F(SetComputeThreadsTest, ZeroTakesTheUsableCoresWhereTheEnvironmentSaysNothing) {
  SetComputeThreads(UsableCores() + 1);
  unsetenv(kVariable);
  SetComputeThreads(0);
  EXPECT_EQ(at::get_num_threads(), UsableCores());
  for (const char* useless : {"", "0", "-2", "many"}) {
    SetComputeThreads(UsableCores() + 1);
    setenv(kVariable, useless, 1);
    SetComputeThreads(0);
    EXPECT_EQ(at::get_num_threads(), UsableCores()) << useless;
  }
}

}  // namespace
}  // namespace deepbindnet
