#include "server/predict/batch_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

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

TEST(BatchInputTest, AProteinWithAnotherVectorIsAnother) {
  const PredictionInput first{{"CC"}, {"MK", "MV"}, {{0, 0}, {0, 1}}, {{1.0F, 2.0F}, {}}};
  const PredictionInput second{{"CC"}, {"MK", "MK", "MV"}, {{0, 0}, {0, 1}, {0, 2}}, {{1.0F, 2.0F}, {1.0F, 3.0F}, {}}};
  const PredictionInput without{{"CC"}, {"MK", "MV"}, {{0, 0}, {0, 1}}};
  BatchInput batch;
  batch.Add(first, 0, 2);
  batch.Add(second, 0, 3);
  batch.Add(without, 0, 2);
  EXPECT_THAT(batch.merged().sequences, ElementsAre("MK", "MV", "MK", "MK"));
  EXPECT_THAT(batch.merged().features,
              ElementsAre(ElementsAre(1.0F, 2.0F), ElementsAre(), ElementsAre(1.0F, 3.0F), ElementsAre()));
  std::vector<int> targets;
  for (const PredictionInput::Pair& pair : batch.merged().pairs) targets.push_back(pair.target);
  EXPECT_THAT(targets, ElementsAre(0, 1, 0, 2, 1, 3, 1));
}

TEST(BatchInputTest, NoSequencePassesForOneWithAVector) {
  const float one = 1.0F;
  const std::string bytes(reinterpret_cast<const char*>(&one), sizeof(one));
  const PredictionInput real{{"CC"}, {"MK"}, {{0, 0}}, {{1.0F}}};
  BatchInput batch;
  batch.Add(real, 0, 1);
  for (const std::string& forged : {"1 " + bytes + "MK", bytes + "MK", "MK" + bytes}) {
    const PredictionInput input{{"CC"}, {forged}, {{0, 0}}};
    batch.Add(input, 0, 1);
    EXPECT_NE(batch.merged().pairs.back().target, 0);
  }
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
