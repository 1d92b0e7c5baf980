#include "server/jobs/clock.h"

#include <gtest/gtest.h>

namespace deepbindnet {
namespace {

TEST(ClockTest, TimestampsCarryNanoseconds) {
  const auto timestamp = ToTimestamp(absl::FromUnixSeconds(12) + absl::Nanoseconds(34));
  EXPECT_EQ(timestamp.seconds(), 12);
  EXPECT_EQ(timestamp.nanos(), 34);
}

}  // namespace
}  // namespace deepbindnet
