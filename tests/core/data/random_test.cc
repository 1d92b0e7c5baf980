#include "core/data/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

TEST(RandomTest, TheSeedDecidesEveryNumber) {
  Random a(7);
  Random b(7);
  Random c(8);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.Below(1u << 30);
    EXPECT_EQ(value, b.Below(1u << 30));
    equal += value == c.Below(1u << 30);
  }
  EXPECT_LT(equal, 5);
}

TEST(RandomTest, TheEngineIsTheStandardOne) {
  // The 10,000th number of a default-seeded mt19937_64, given in the C++ standard, [rand.predef].
  Random random(5489);
  for (int i = 0; i < 9999; ++i) random.Below(2);
  EXPECT_EQ(random.Below(~uint64_t{0}), 9981545732273789042u);
}

TEST(RandomTest, WhatIsMadeOfItsNumbersIsTheSameOnEveryPlatform) {
  Random random(7);
  std::vector<int> values = {0, 1, 2, 3, 4, 5, 6, 7};
  random.Shuffle(&values);
  EXPECT_THAT(values, ElementsAre(2, 3, 5, 6, 1, 0, 4, 7));
  EXPECT_EQ(random.Uniform(), 0x1.cd29ec6f1e388p-1);
  std::vector<uint64_t> below;
  for (int i = 0; i < 5; ++i) below.push_back(random.Below(10));
  EXPECT_THAT(below, ElementsAre(1, 0, 6, 5, 3));
}

TEST(RandomTest, ShuffleKeepsEveryElement) {
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  const std::vector<int> sorted = values;
  Random(1).Shuffle(&values);
  EXPECT_NE(values, sorted);
  EXPECT_TRUE(std::is_permutation(values.begin(), values.end(), sorted.begin()));
}

TEST(RandomTest, NormalHasMeanZeroAndUnitDeviation) {
  Random random(3);
  double sum = 0.0;
  double squares = 0.0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.Normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.02);
  EXPECT_NEAR(squares / kCount, 1.0, 0.02);
}

TEST(RandomTest, UniformStaysBelowOne) {
  Random random(4);
  for (int i = 0; i < 10000; ++i) {
    const double value = random.Uniform();
    EXPECT_GE(value, 0.0);
    EXPECT_LT(value, 1.0);
  }
}

}  // namespace
}  // namespace deepbindnet
