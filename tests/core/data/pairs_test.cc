#include "core/data/pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

constexpr Part kTrain = Part::kTrain;
constexpr Part kVal = Part::kVal;
constexpr Part kTest = Part::kTest;

PairTable MakePairs(std::vector<int32_t> drug, std::vector<int32_t> target, std::vector<double> affinity) {
  PairTable pairs;
  for (size_t i = 0; i < drug.size(); ++i) pairs.row.push_back(static_cast<int64_t>(i) + 1);
  pairs.drug = std::move(drug);
  pairs.target = std::move(target);
  pairs.affinity = std::move(affinity);
  return pairs;
}

TEST(MergeDuplicatesTest, TakesTheMeanAndTheFirstRow) {
  PairTable pairs = MakePairs({0, 1, 0, 0}, {5, 5, 5, 5}, {1.0, 9.0, 2.0, 6.0});
  std::vector<Part> parts(4, kTrain);
  EXPECT_EQ(MergeDuplicates(&pairs, &parts), 2);
  EXPECT_THAT(pairs.drug, ElementsAre(0, 1));
  EXPECT_THAT(pairs.affinity, ElementsAre(3.0, 9.0));
  EXPECT_THAT(pairs.row, ElementsAre(1, 2));
  EXPECT_THAT(parts, ElementsAre(kTrain, kTrain));
}

TEST(MergeDuplicatesTest, DifferentDrugsOrTargetsStayApart) {
  PairTable pairs = MakePairs({0, 0, 1}, {0, 1, 0}, {1.0, 2.0, 3.0});
  std::vector<Part> parts(3, kTrain);
  EXPECT_EQ(MergeDuplicates(&pairs, &parts), 0);
  EXPECT_EQ(pairs.size(), 3);
}

TEST(MergeDuplicatesTest, PartsAreMergedApartAndTestKeepsEveryRow) {
  PairTable pairs = MakePairs({0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {1.0, 2.0, 3.0, 4.0, 5.0, 7.0});
  std::vector<Part> parts = {kTrain, kTest, kVal, kTest, kTrain, kVal};
  EXPECT_EQ(MergeDuplicates(&pairs, &parts), 2);
  EXPECT_THAT(parts, ElementsAre(kTrain, kTest, kVal, kTest));
  EXPECT_THAT(pairs.affinity, ElementsAre(3.0, 2.0, 5.0, 4.0));
  EXPECT_THAT(pairs.row, ElementsAre(1, 2, 3, 4));
}

TEST(SelectPartTest, KeepsOrder) {
  const PairTable pairs = MakePairs({0, 1, 2}, {3, 4, 5}, {1.0, 2.0, 3.0});
  const PairTable selected = SelectPart(pairs, {kTest, kTrain, kTest}, kTest);
  EXPECT_THAT(selected.drug, ElementsAre(0, 2));
  EXPECT_THAT(selected.target, ElementsAre(3, 5));
  EXPECT_THAT(selected.affinity, ElementsAre(1.0, 3.0));
  EXPECT_THAT(selected.row, ElementsAre(1, 3));
}

TEST(CountLeakageTest, CountsTestPairsAndDistinctEntities) {
  const PairTable train = MakePairs({0, 1, 2}, {0, 1, 1}, {1.0, 1.0, 1.0});
  // Pair (0, 0) stands in train, twice in test; (2, 0) is new of known parts; drug 7 and target 7 are new.
  const PairTable test = MakePairs({0, 0, 2, 7}, {0, 0, 0, 7}, {1.0, 1.0, 1.0, 1.0});
  DatasetManifest manifest;
  CountLeakage(train, test, &manifest);
  EXPECT_EQ(manifest.test_pairs_in_train, 2);
  EXPECT_EQ(manifest.test_drugs_in_train, 2);
  EXPECT_EQ(manifest.test_targets_in_train, 1);
}

}  // namespace
}  // namespace deepbindnet
