#include "server/runtime/runtime.h"

#include <jemalloc/jemalloc.h>
#include <stdlib.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace deepbindnet {
namespace {

using ::testing::AnyOf;
using ::testing::StrEq;

TEST(RuntimeTest, GivesUnusedMemoryBackAfterSeconds) {
  // With the policy set, the call has nothing to do; it draws the library in.
  setenv("OMP_WAIT_POLICY", "PASSIVE", 1);
  PrepareProcess(0, nullptr);
  ssize_t decay_ms = 0;
  size_t size = sizeof decay_ms;
  ASSERT_EQ(mallctl("opt.dirty_decay_ms", &decay_ms, &size, nullptr, 0), 0);
  EXPECT_EQ(decay_ms, 5000);
  ASSERT_EQ(mallctl("opt.muzzy_decay_ms", &decay_ms, &size, nullptr, 0), 0);
  EXPECT_EQ(decay_ms, 5000);
}

TEST(RuntimeTest, AsksForHugePages) {
  const char* thp = nullptr;
  size_t size = sizeof thp;
  ASSERT_EQ(mallctl("opt.thp", &thp, &size, nullptr, 0), 0);
  EXPECT_THAT(thp, AnyOf(StrEq("always"), StrEq("not supported")));  // The latter where the kernel does not tell.
}

}  // namespace
}  // namespace deepbindnet
