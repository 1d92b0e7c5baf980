#include "core/prior/held_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace deepbindnet {
namespace {

std::vector<PairIndex> RandomPairs(int drugs, int targets, size_t count) {
  std::mt19937 random(1);
  std::vector<PairIndex> pairs;
  for (size_t i = 0; i < count; ++i) {
    pairs.push_back({static_cast<int32_t>(random() % drugs), static_cast<int32_t>(random() % targets)});
  }
  return pairs;
}

std::set<int32_t> Drugs(const std::vector<PairIndex>& pairs, const std::vector<int64_t>& chosen) {
  std::set<int32_t> drugs;
  for (const int64_t pair : chosen) drugs.insert(pairs[pair].drug);
  return drugs;
}

std::set<int32_t> Targets(const std::vector<PairIndex>& pairs, const std::vector<int64_t>& chosen) {
  std::set<int32_t> targets;
  for (const int64_t pair : chosen) targets.insert(pairs[pair].target);
  return targets;
}

bool Disjoint(const std::set<int32_t>& a, const std::set<int32_t>& b) {
  return std::none_of(a.begin(), a.end(), [&](int32_t value) { return b.count(value) > 0; });
}

class HeldOutTest : public ::testing::TestWithParam<SplitMethod> {};

TEST_P(HeldOutTest, EveryPairIsHeldOutOnceAsTheSplitHoldsOut) {
  const SplitMethod method = GetParam();
  const std::vector<PairIndex> pairs = RandomPairs(40, 30, 500);
  std::vector<int64_t> all;
  for (const Fold& fold : MakeFolds(method, pairs)) {
    all.insert(all.end(), fold.held_out.begin(), fold.held_out.end());
    EXPECT_FALSE(fold.measured.empty());
    const bool by_drug = method == SplitMethod::kColdDrug || method == SplitMethod::kScaffold;
    if (by_drug || method == SplitMethod::kColdBoth) {
      EXPECT_TRUE(Disjoint(Drugs(pairs, fold.held_out), Drugs(pairs, fold.measured)));
    }
    if (method == SplitMethod::kColdTarget || method == SplitMethod::kColdBoth) {
      EXPECT_TRUE(Disjoint(Targets(pairs, fold.held_out), Targets(pairs, fold.measured)));
    }
    std::vector<int64_t> both = fold.held_out;
    both.insert(both.end(), fold.measured.begin(), fold.measured.end());
    const std::set<int64_t> distinct(both.begin(), both.end());
    EXPECT_EQ(distinct.size(), both.size()) << "a pair is in both";
    EXPECT_TRUE(method == SplitMethod::kColdBoth || both.size() == pairs.size());
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), pairs.size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<int64_t>(i));
}

INSTANTIATE_TEST_SUITE_P(Methods, HeldOutTest,
                         ::testing::Values(SplitMethod::kRandom, SplitMethod::kColumn, SplitMethod::kColdDrug,
                                           SplitMethod::kColdTarget, SplitMethod::kColdBoth, SplitMethod::kScaffold));

TEST(HeldOutTest, FoldsAreAboutEquallyLarge) {
  for (const Fold& fold : MakeFolds(SplitMethod::kRandom, RandomPairs(40, 30, 505))) {
    EXPECT_GE(fold.held_out.size(), 50u);
    EXPECT_LE(fold.held_out.size(), 51u);
  }
}

TEST(HeldOutTest, FewPairsAreFine) {
  for (const SplitMethod method : {SplitMethod::kRandom, SplitMethod::kColdDrug, SplitMethod::kColdBoth}) {
    size_t held_out = 0;
    for (const Fold& fold : MakeFolds(method, {{0, 0}, {1, 0}})) held_out += fold.held_out.size();
    EXPECT_EQ(held_out, 2u);
    for (const Fold& fold : MakeFolds(method, {})) EXPECT_TRUE(fold.held_out.empty());
  }
}

}  // namespace
}  // namespace deepbindnet
