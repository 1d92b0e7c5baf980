#include "server/worker/phase_speed.h"

#include <gtest/gtest.h>

namespace deepbindnet {
namespace {

TEST(PhaseSpeedTest, IsOfThePhaseSoFar) {
  const absl::Time begin = absl::FromUnixSeconds(1000);
  PhaseSpeed speed;
  speed.Update("reading", 100, begin);
  EXPECT_EQ(speed.rate(), 0.0);
  speed.Update("reading", 300, begin + absl::Seconds(2));
  EXPECT_EQ(speed.rate(), 100.0);
  speed.Update("featurising", 0, begin + absl::Seconds(2));
  EXPECT_EQ(speed.rate(), 0.0);
  speed.Update("featurising", 8, begin + absl::Seconds(6));
  EXPECT_EQ(speed.rate(), 2.0);
  speed.Update("featurising", 1, begin + absl::Seconds(8));  // Anew.
  EXPECT_EQ(speed.rate(), 0.0);
}

}  // namespace
}  // namespace deepbindnet
