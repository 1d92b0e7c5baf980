#include "core/training/unit_histogram.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace deepbindnet {
namespace {

TEST(MakeUnitHistogramTest, CountsEveryValueInItsBucket) {
  const UnitHistogram histogram = MakeUnitHistogram(torch::tensor({0.5, 0.51, 0.45, 0.5}, torch::kFloat64));
  // From 0.44 to 0.46, and from 0.50 to 0.52.
  EXPECT_EQ(histogram.limits, (std::vector<double>{0.46, 0.48, 0.5, 0.52}));
  EXPECT_EQ(histogram.counts, (std::vector<double>{1, 0, 0, 3}));
  EXPECT_EQ(histogram.count, 4);
  EXPECT_EQ(histogram.min, 0.45);
  EXPECT_EQ(histogram.max, 0.51);
  EXPECT_NEAR(histogram.sum, 1.96, 1e-12);
  EXPECT_NEAR(histogram.sum_of_squares, 0.25 + 0.2601 + 0.2025 + 0.25, 1e-12);
}

TEST(MakeUnitHistogramTest, BothEndsBelongToIt) {
  const UnitHistogram histogram = MakeUnitHistogram(torch::tensor({0.0F, 1.0F}));
  ASSERT_EQ(histogram.counts.size(), static_cast<size_t>(kUnitBuckets));
  EXPECT_EQ(histogram.counts.front(), 1);
  EXPECT_EQ(histogram.counts.back(), 1);
  EXPECT_EQ(histogram.limits.front(), 1.0 / kUnitBuckets);
  EXPECT_EQ(histogram.limits.back(), 1);
}

TEST(MakeUnitHistogramTest, OneValueIsOneBucket) {
  const UnitHistogram histogram = MakeUnitHistogram(torch::full({1, 1}, 0.25F));
  EXPECT_EQ(histogram.limits, std::vector<double>{0.26});
  EXPECT_EQ(histogram.counts, std::vector<double>{1});
}

TEST(MakeUnitHistogramTest, TakesEveryShapeAndType) {
  torch::manual_seed(1);
  const torch::Tensor values = torch::rand({7, 5}).to(torch::kBFloat16).t();
  ASSERT_FALSE(values.is_contiguous());
  const UnitHistogram histogram = MakeUnitHistogram(values);
  EXPECT_EQ(histogram.count, 35);
  EXPECT_EQ(std::accumulate(histogram.counts.begin(), histogram.counts.end(), 0.0), 35);
  EXPECT_NEAR(histogram.sum, values.to(torch::kFloat64).sum().item<double>(), 1e-9);
  EXPECT_EQ(histogram.max, values.to(torch::kFloat64).max().item<double>());
}

}  // namespace
}  // namespace deepbindnet
