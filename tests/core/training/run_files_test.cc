#include "core/training/run_files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace deepbindnet {
namespace {

TEST(HistoryJsonTest, RoundTripsWithUndefinedMetrics) {
  EpochReport report;
  report.epoch = 3;
  report.val.rmse = 0.1234567890123456789;
  report.val.r2 = std::numeric_limits<double>::quiet_NaN();
  report.is_best = true;
  const auto again = HistoryFromJson(HistoryToJson({report}));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->at(0).val.rmse, report.val.rmse);
  EXPECT_TRUE(std::isnan(again->at(0).val.r2));
  EXPECT_TRUE(again->at(0).is_best);
  EXPECT_FALSE(HistoryFromJson("{").ok());
}

}  // namespace
}  // namespace deepbindnet
