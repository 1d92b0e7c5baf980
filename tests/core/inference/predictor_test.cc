#include "core/inference/predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "core/base/file.h"
#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/model/checkpoint.h"
#include "tests/support/parameters.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

constexpr char kKinase[] = "MTVKTEAAKGTLTYSRMRGMVAILIAFMKQRRMGLNDFIQKIANNSYACKHPEVQSILKIS";

class PredictorTest : public testing::Test {
 protected:
  PredictorTest() {
    torch::manual_seed(4);
    Checkpoint checkpoint;
    checkpoint.options.hidden_dim = 16;
    checkpoint.options.max_sequence_length = 100;
    checkpoint.scaler = {11.7, 0.84};
    checkpoint.affinity_unit = "KIBA";
    AffinityModel model(checkpoint.options);
    GiveRandomValues(*model);
    checkpoint.weights = CopyWeights(*model);
    EXPECT_TRUE(SaveCheckpoint(path_, checkpoint).ok());
    auto loaded = LoadPredictor(path_, "cpu");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    predictor_ = *std::move(loaded);
  }

  double One(const std::string& smiles, const std::string& sequence) const {
    const auto results = predictor_->Predict({{smiles}, {sequence}, {{0, 0}}});
    EXPECT_TRUE(results.ok() && results->at(0).ok());
    return *results->at(0);
  }

  const TempDir directory_;
  const std::string path_ = directory_ / "best_model.pt";
  std::shared_ptr<const Predictor> predictor_;
};

TEST_F(PredictorTest, KnowsItsModel) {
  EXPECT_EQ(predictor_->info().model_type, "gated");
  EXPECT_EQ(predictor_->info().affinity_unit, "KIBA");
  EXPECT_EQ(predictor_->info().digest, *Sha256HexOfFile(path_));
}

TEST_F(PredictorTest, AnswersInTheUnitOfTheData) {
  // An untrained network says about 0 standard deviations.
  EXPECT_NEAR(One("CCO", kKinase), 11.7, 0.84 * 4);
}

TEST_F(PredictorTest, EqualMoleculesGetEqualAnswers) {
  EXPECT_EQ(One("OCC", kKinase), One("CCO", kKinase));
  EXPECT_EQ(One("c1ccccc1O", kKinase), One("C1=CC=CC=C1O", kKinase));
}

TEST_F(PredictorTest, EitherInputMovesTheAnswer) {
  const std::string other(60, 'W');
  EXPECT_GT(std::abs(One("CCO", kKinase) - One("c1ccc2c(c1)nccc2Cl", kKinase)), 0.02);
  EXPECT_GT(std::abs(One("CCO", kKinase) - One("CCO", other)), 0.02);
  // A single atom and a single residue, far above rounding.
  EXPECT_GT(std::abs(One("CCO", kKinase) - One("CCN", kKinase)), 1e-3);
  EXPECT_GT(std::abs(One("CCO", kKinase) - One("CCO", std::string(kKinase) + "W")), 1e-4);
}

// The prior comes along with the model, and what it says of a pair moves the answer.
TEST_F(PredictorTest, BeginsWithTheSimilarityPrior) {
  Checkpoint checkpoint = LoadCheckpoint(path_).value();
  std::vector<Molecule> molecules;
  for (const char* smiles : {"CCO", "CCN", "c1ccccc1O"}) molecules.push_back(ParseSmiles(smiles).value());
  const std::vector<uint8_t> kinase = ParseSequence(kKinase).value().tokens;
  const std::vector<const MolecularGraph*> graphs = {&molecules[0].graph, &molecules[1].graph, &molecules[2].graph};
  for (const float z : {-3.0F, 3.0F}) {
    checkpoint.prior = std::make_shared<const SimilarityPrior>(
        SimilarityPrior::Fit(graphs, {&kinase}, {{0, 0}, {1, 0}, {2, 0}}, {z, z, -z}, SplitMethod::kRandom).prior);
    ASSERT_TRUE(SaveCheckpoint(directory_ / "prior.pt", checkpoint).ok());
    const auto predictor = LoadPredictor(directory_ / "prior.pt", "cpu").value();
    const PredictionInput input{{"CCO", "CCS"}, {kKinase}, {{0, 0}, {1, 0}}};
    const auto values = predictor->Predict(input).value();
    const double without = One("CCO", kKinase);
    EXPECT_GT((*values[0] - without) * z, 0.84 * 3) << "a drug that it knows";
    EXPECT_GT((*values[1] - One("CCS", kKinase)) * z, 0) << "a drug that is alike";
    const Explanation explanation = predictor->Explain(input, 0).value();
    EXPECT_NEAR(explanation.value, *values[0], 1e-4);
    const torch::Tensor alone = checkpoint.prior->Predict({graphs[0]}, {&kinase}, {{0, 0}});
    ASSERT_TRUE(explanation.prior.has_value());
    EXPECT_NEAR(*explanation.prior, checkpoint.scaler.Unscale(alone.narrow(1, 0, kPriorSummands).sum().item<double>()),
                1e-5);
    EXPECT_GT((*explanation.prior - checkpoint.scaler.mean) * z, 0);
  }
}

TEST_F(PredictorTest, BadItemsFailAloneWithAReason) {
  const auto results = predictor_->Predict({{"CCO", "C1CC", "CCN"},
                                            {kKinase, "MK9", "", std::string(101, 'A')},
                                            {{0, 0}, {1, 0}, {0, 1}, {0, 2}, {0, 3}, {2, 0}}});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_NEAR(*results->at(0), One("CCO", kKinase), 1e-5);
  EXPECT_EQ(GetReason(results->at(1).status()), "INVALID_SMILES");
  EXPECT_EQ(GetReason(results->at(2).status()), "INVALID_SEQUENCE");
  EXPECT_EQ(GetReason(results->at(3).status()), "INVALID_SEQUENCE");
  EXPECT_EQ(GetReason(results->at(4).status()), "SEQUENCE_TOO_LONG");
  EXPECT_NEAR(*results->at(5), One("CCN", kKinase), 1e-5);
}

TEST_F(PredictorTest, OnlyBadItemsAreFine) {
  const auto results = predictor_->Predict({{"C1CC"}, {kKinase}, {{0, 0}}});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_FALSE(results->at(0).ok());
}

class FeaturePredictorTest : public testing::Test {
 protected:
  FeaturePredictorTest() {
    torch::manual_seed(4);
    Checkpoint checkpoint;
    checkpoint.options.hidden_dim = 16;
    checkpoint.options.protein_feature_dim = 3;
    checkpoint.scaler = {7.0, 1.0};
    checkpoint.affinity_direction = AffinityDirection::kHigherBindsTighter;
    checkpoint.protein_vectors = {{kKinase, {0.5F, -1.0F, 2.0F}}};
    AffinityModel model(checkpoint.options);
    GiveRandomValues(*model);
    checkpoint.weights = CopyWeights(*model);
    EXPECT_TRUE(SaveCheckpoint(directory_ / "model.pt", checkpoint).ok());
    auto loaded = LoadPredictor(directory_ / "model.pt", "cpu");
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    predictor_ = *std::move(loaded);
  }

  absl::StatusOr<double> One(const std::string& sequence, const std::vector<std::vector<float>>& features) const {
    const auto results = predictor_->Predict({{"CCO"}, {sequence}, {{0, 0}}, features});
    return results.ok() ? results->at(0) : results.status();
  }

  const TempDir directory_;
  std::shared_ptr<const Predictor> predictor_;
};

TEST_F(FeaturePredictorTest, KnowsWhatItTakes) {
  EXPECT_EQ(predictor_->info().protein_feature_dim, 3);
  EXPECT_EQ(predictor_->info().affinity_direction, AffinityDirection::kHigherBindsTighter);
}

TEST_F(FeaturePredictorTest, AProteinItWasTrainedOnNeedsNoVector) {
  const double known = One(kKinase, {}).value();
  EXPECT_EQ(One(kKinase, {{}}).value(), known);
  EXPECT_EQ(One(kKinase, {{0.5F, -1.0F, 2.0F}}).value(), known);
  EXPECT_EQ(One(absl::AsciiStrToLower(kKinase), {}).value(), known);
}

TEST_F(FeaturePredictorTest, AGivenVectorMovesTheAnswer) {
  EXPECT_GT(std::abs(One(kKinase, {{0.5F, -1.0F, 3.0F}}).value() - One(kKinase, {}).value()), 1e-3);
  EXPECT_GT(std::abs(One("MKTAYIAK", {{1.0F, 0.0F, 0.0F}}).value() - One("MKTAYIAK", {{0.0F, 0.0F, 0.0F}}).value()),
            1e-3);
}

TEST_F(FeaturePredictorTest, AProteinWithoutAVectorFailsAloneAndSaysWhatToGive) {
  const auto results = predictor_->Predict({{"CCO"}, {kKinase, "MKTAYIAK"}, {{0, 1}, {0, 0}}});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(GetReason(results->at(0).status()), "MISSING_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(results->at(0).status().message()),
              HasSubstr("this model takes 3 values for each protein and was not trained on this one; give its vector"));
  EXPECT_TRUE(results->at(1).ok());
}

TEST_F(FeaturePredictorTest, ExplainsWithTheVectorThatPredictsAndFailsWithoutIt) {
  const auto explain = [this](const std::vector<std::vector<float>>& features) {
    return predictor_->Explain({{"CCO"}, {"MKTAYIAK"}, {{0, 0}}, features}, 0);
  };
  const std::vector<std::vector<float>> one = {{1.0F, 0.0F, 0.0F}}, other = {{0.0F, 4.0F, -2.0F}};
  EXPECT_NEAR(explain(one)->value, One("MKTAYIAK", one).value(), 1e-5);
  EXPECT_GT(std::abs(explain(one)->value - explain(other)->value), 1e-3);
  EXPECT_GT(std::abs(explain(one)->atoms[0].importance - explain(other)->atoms[0].importance), 1e-6);
  EXPECT_EQ(GetReason(explain({}).status()), "MISSING_PROTEIN_FEATURES");
}

TEST_F(FeaturePredictorTest, AVectorThatDoesNotFitFailsAlone) {
  const absl::Status shorter = One(kKinase, {{1.0F}}).status();
  EXPECT_EQ(GetReason(shorter), "INVALID_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(shorter.message()), HasSubstr("1 values, and this model takes 3"));
  EXPECT_THAT(std::string(One(kKinase, {{1.0F, NAN, 1.0F}}).status().message()),
              HasSubstr("value 2 is nan, which is not finite"));
}

TEST_F(FeaturePredictorTest, VectorsThatAreNotParallelFailTheCall) {
  const absl::Status status = predictor_->Predict({{"CCO"}, {kKinase}, {{0, 0}}, {{1.0F}, {2.0F}}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("protein_features: 2 vectors are not one for each of the 1"));
}

TEST_F(PredictorTest, AModelWithoutFeaturesTakesNone) {
  const auto results = predictor_->Predict({{"CCO"}, {kKinase}, {{0, 0}}, {{1.0F}}});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(GetReason(results->at(0).status()), "INVALID_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(results->at(0).status().message()), HasSubstr("this model takes none; leave them out"));
}

TEST_F(PredictorTest, IndexOutOfRangeIsNamed) {
  const absl::Status status = predictor_->Predict({{"CCO"}, {kKinase}, {{0, 0}, {1, 0}}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("pairs[1].drug: 1"));
  EXPECT_FALSE(predictor_->Predict({{"CCO"}, {kKinase}, {{0, -1}}}).ok());
}

TEST_F(PredictorTest, ThreadsShareOneModel) {
  const double expected = One("CCO", kKinase);
  std::vector<double> answers(4);
  std::vector<std::thread> threads;
  for (double& answer : answers) threads.emplace_back([this, &answer] { answer = One("CCO", kKinase); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers, std::vector<double>(4, expected));
}

TEST_F(PredictorTest, MissingFileAndUnknownDeviceAreNamed) {
  EXPECT_EQ(LoadPredictor(directory_ / "none.pt", "cpu").status().code(), absl::StatusCode::kNotFound);
  const absl::Status status = LoadPredictor(path_, "tpu").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("device: tpu"));
}

}  // namespace
}  // namespace deepbindnet
