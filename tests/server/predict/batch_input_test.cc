#include "server/predict/batch_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

TEST(BatchInputTest, GivesEachDistinctTextOnce) {
  const PredictionInput first{{"CC", "CCO"}, {"MK"}, {{0, 0}, {1, 0}}};
  const PredictionInput second{{"CCO"}, {"MKV", "MK"}, {{0, 0}, {0, 1}}};
  BatchInput batch;
  batch.Add(first, 0, 2);
  batch.Add(second, 0, 2);
  EXPECT_THAT(batch.merged().smiles, ElementsAre("CC", "CCO"));
  EXPECT_THAT(batch.merged().sequences, ElementsAre("MK", "MKV"));
  ASSERT_EQ(batch.merged().pairs.size(), 4);
  EXPECT_EQ(batch.merged().pairs[2].drug, 1);
  EXPECT_EQ(batch.merged().pairs[2].target, 1);
  EXPECT_EQ(batch.merged().pairs[3].target, 0);
}

TEST(BatchInputTest, TakesOnlyWhatTheRangeRefersTo) {
  const PredictionInput input{{"A", "B", "C"}, {"X", "Y"}, {{0, 0}, {2, 1}, {1, 0}}};
  BatchInput batch;
  batch.Add(input, 1, 2);
  EXPECT_THAT(batch.merged().smiles, ElementsAre("C"));
  EXPECT_THAT(batch.merged().sequences, ElementsAre("Y"));
  EXPECT_EQ(batch.merged().pairs.size(), 1);
}

}  // namespace
}  // namespace deepbindnet
