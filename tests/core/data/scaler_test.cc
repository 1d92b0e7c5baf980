#include "core/data/scaler.h"

#include <gtest/gtest.h>

#include <cmath>

namespace deepbindnet {
namespace {

TEST(ScalerTest, IsMeanAndPopulationStandardDeviation) {
  const Scaler scaler = FitScaler({1.0, 2.0, 3.0, 6.0});
  EXPECT_DOUBLE_EQ(scaler.mean, 3.0);
  EXPECT_DOUBLE_EQ(scaler.sd, std::sqrt((4.0 + 1.0 + 0.0 + 9.0) / 4.0));
}

TEST(ScalerTest, UnscaleUndoesScale) {
  const Scaler scaler = FitScaler({10.5, 11.5, 17.2});
  EXPECT_NEAR(scaler.Unscale(scaler.Scale(12.34)), 12.34, 1e-12);
  EXPECT_DOUBLE_EQ(scaler.Scale(scaler.mean), 0.0);
  EXPECT_DOUBLE_EQ(scaler.Scale(scaler.mean + scaler.sd), 1.0);
}

TEST(ScalerTest, ConstantDataHaveUnitDeviation) {
  // 0.1 has no exact sum: the deviation comes out as rounding noise, not as 0.
  EXPECT_EQ(FitScaler({0.1, 0.1, 0.1}).sd, 1.0);
  EXPECT_EQ(FitScaler({0.0, 0.0}).sd, 1.0);
  EXPECT_EQ(FitScaler({5.0}).sd, 1.0);
  EXPECT_DOUBLE_EQ(FitScaler({5.0}).mean, 5.0);
}

TEST(ScalerTest, NoDataIsTheIdentity) {
  const Scaler scaler = FitScaler({});
  EXPECT_EQ(scaler.mean, 0.0);
  EXPECT_EQ(scaler.sd, 1.0);
}

TEST(ScalerTest, ALargeOffsetKeepsTheDeviation) { EXPECT_NEAR(FitScaler({1e9 - 1.0, 1e9 + 1.0}).sd, 1.0, 1e-9); }

}  // namespace
}  // namespace deepbindnet
