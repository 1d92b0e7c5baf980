// Unusual molecules and proteins through featurisation and a forward pass, as a prediction takes them.
#include "tests/support/odd_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/inference/predictor.h"
#include "core/model/checkpoint.h"
#include "tests/support/parameters.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

constexpr char kAspirin[] = "CC(=O)Oc1ccccc1C(=O)O";
constexpr char kSequence[] = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ";

class OddInputsTest : public testing::TestWithParam<ModelType> {
 protected:
  OddInputsTest() {
    torch::manual_seed(4);
    Checkpoint checkpoint;
    checkpoint.options.model_type = GetParam();
    checkpoint.options.max_sequence_length = 5000;
    AffinityModel model(checkpoint.options);
    GiveRandomValues(*model);
    checkpoint.weights = CopyWeights(*model);
    EXPECT_THAT(SaveCheckpoint(directory_ / "model.pt", checkpoint), IsOk());
    auto predictor = LoadPredictor(directory_ / "model.pt", "cpu");
    EXPECT_THAT(predictor, IsOk());
    predictor_ = *std::move(predictor);
  }

  absl::StatusOr<double> Predict(const std::string& smiles, const std::string& sequence) const {
    DBN_ASSIGN_OR_RETURN(const auto results, predictor_->Predict({{smiles}, {sequence}, {{0, 0}}}));
    return results.at(0);
  }

  const TempDir directory_;
  std::shared_ptr<const Predictor> predictor_;
};

TEST_P(OddInputsTest, EveryMoleculeHasAPredictionOfItsOwn) {
  std::set<double> distinct;
  for (const std::string& smiles : OddSmiles()) {
    ASSERT_OK_AND_ASSIGN(const double predicted, Predict(smiles, kSequence));
    EXPECT_TRUE(std::isfinite(predicted)) << smiles;
    distinct.insert(predicted);
  }
  EXPECT_EQ(distinct.size(), OddSmiles().size());
}

TEST_P(OddInputsTest, EverySequenceHasAFinitePrediction) {
  for (const std::string& sequence : OddSequences()) {
    ASSERT_OK_AND_ASSIGN(const double predicted, Predict(kAspirin, sequence));
    EXPECT_TRUE(std::isfinite(predicted)) << sequence.substr(0, 40);
  }
}

TEST_P(OddInputsTest, EveryPairIsAnsweredInOneCallAsAlone) {
  PredictionInput input;
  input.smiles = OddSmiles();
  input.sequences = OddSequences();
  for (int drug = 0; drug < static_cast<int>(input.smiles.size()); ++drug) {
    for (int target = 0; target < static_cast<int>(input.sequences.size()); ++target) {
      input.pairs.push_back({drug, target});
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto together, predictor_->Predict(input));
  for (size_t i = 0; i < together.size(); i += 7) {
    const auto [drug, target] = input.pairs[i];
    ASSERT_THAT(together[i], IsOk());
    ASSERT_OK_AND_ASSIGN(const double alone, Predict(input.smiles[drug], input.sequences[target]));
    EXPECT_NEAR(*together[i], alone, 1e-4) << input.smiles[drug] << " " << input.sequences[target].substr(0, 40);
  }
}

TEST_P(OddInputsTest, WritingsOfOneMoleculeOrProteinAgree) {
  EXPECT_EQ(*Predict("[H]c1c([H])c([H])c([H])c([H])c1[H]", kSequence), *Predict("c1ccccc1", kSequence));
  EXPECT_EQ(*Predict("[CH3:1][OH:2]", kSequence), *Predict("CO", kSequence));
  EXPECT_EQ(*Predict("[Na+].CC(=O)[O-]", kSequence), *Predict("CC(=O)[O-].[Na+]", kSequence));
  EXPECT_EQ(*Predict(kAspirin, "mktayiak"), *Predict(kAspirin, " MKT\nAYIAK* "));
  EXPECT_EQ(*Predict(kAspirin, "MKJ"), *Predict(kAspirin, "MKX"));
}

TEST_P(OddInputsTest, WhatIsRefusedSaysWhy) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Predict("", kSequence), IsError(code, "INVALID_SMILES", "is empty; give the SMILES of a molecule"));
  EXPECT_THAT(Predict("*CC", kSequence), IsError(code, "INVALID_SMILES", "give a whole molecule"));
  EXPECT_THAT(Predict("CN(C)(C)C", kSequence), IsError(code, "INVALID_SMILES", "give the charge"));
  EXPECT_THAT(Predict("C1CC", kSequence), IsError(code, "INVALID_SMILES", "unclosed ring"));
  EXPECT_THAT(Predict(Polyglycine(250), kSequence), IsError(code, "INVALID_SMILES", "1001 atoms; at most 1000"));
  EXPECT_THAT(Predict(kAspirin, ""), IsError(code, "INVALID_SEQUENCE", "is empty; give one-letter amino acids"));
  EXPECT_THAT(Predict(kAspirin, "MK-TA"), IsError(code, "INVALID_SEQUENCE", "leave gaps out"));
  EXPECT_THAT(Predict(kAspirin, "MK*TA"), IsError(code, "INVALID_SEQUENCE", "up to its stop"));
  EXPECT_THAT(Predict(kAspirin, "MK1TA"), IsError(code, "INVALID_SEQUENCE", "'1' at position 3"));
  EXPECT_THAT(Predict(kAspirin, std::string(5001, 'A')),
              IsError(code, "SEQUENCE_TOO_LONG",
                      "sequence of 5001 residues: this model takes at most 5000 (max_sequence_length); give the part"));
}

INSTANTIATE_TEST_SUITE_P(BothTypes, OddInputsTest, testing::Values(ModelType::kGated, ModelType::kStandard));

}  // namespace
}  // namespace deepbindnet
