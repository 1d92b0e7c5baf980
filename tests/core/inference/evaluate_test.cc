#include "core/inference/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/data/preprocess.h"
#include "core/inference/predictor.h"
#include "core/model/checkpoint.h"
#include "tests/support/parameters.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

// Spelt otherwise than their canonical form.
const std::vector<std::string> kSmiles = {"OCC", "C1=CC=CC=C1O", "NC(C)=O", "C(Cl)(Cl)Cl", "[O-]C(=O)CC[NH3+]"};
const std::vector<std::string> kSequences = {"MTVKTEAAKGTLTYSRMRGMVAILIAFMKQRRMGLNDFIQKIANNSYACKHPEVQSILKIS",
                                             "MKTAYIAKQR", "ACDEFGHIKLMNPQRSTVWYACDEFGHIKLMNPQRSTVWY",
                                             "mmmmkkkkwwwwgggg"};

class EvaluateTest : public testing::Test {
 protected:
  EvaluateTest() {
    std::string csv = "smiles,sequence,pKd\n";
    for (size_t d = 0; d < kSmiles.size(); ++d) {
      for (size_t t = 0; t < kSequences.size(); ++t) {
        absl::StrAppend(&csv, kSmiles[d], ",", kSequences[t], ",", 5.0 + 0.5 * static_cast<double>((d + t) % 4), "\n");
      }
    }
    EXPECT_THAT(
        Preprocess(directory_.Write("pairs.csv", csv), data_dir_, {}, [](absl::string_view, int64_t, int64_t) {}),
        IsOk());
  }

  // The checkpoint of a model with random parameters.
  std::string Save(const std::string& name, const ModelOptions& options, const std::string& unit = "pKd",
                   const ProteinVectors& vectors = {}) const {
    torch::manual_seed(4);
    Checkpoint checkpoint;
    checkpoint.options = options;
    checkpoint.scaler = {6.0, 1.3};
    checkpoint.affinity_unit = unit;
    checkpoint.protein_vectors = vectors;
    AffinityModel model(options);
    GiveRandomValues(*model);
    checkpoint.weights = CopyWeights(*model);
    EXPECT_THAT(SaveCheckpoint(directory_ / name, checkpoint), IsOk());
    return directory_ / name;
  }

  static ModelOptions Small() {
    ModelOptions options;
    options.hidden_dim = 16;
    options.feature_dim = 16;
    return options;
  }

  // What Evaluate says of every pair of a part is what the predictor says of the row of the CSV.
  void ExpectPredictorAgrees(const std::string& checkpoint, const Evaluation& evaluation) const {
    ASSERT_OK_AND_ASSIGN(const auto predictor, LoadPredictor(checkpoint, "cpu"));
    ASSERT_GT(evaluation.pairs.size(), 0);
    for (int64_t i = 0; i < evaluation.pairs.size(); ++i) {
      const auto row = static_cast<size_t>(evaluation.pairs.row[i] - 1);
      const std::string &smiles = kSmiles[row / kSequences.size()], &sequence = kSequences[row % kSequences.size()];
      ASSERT_OK_AND_ASSIGN(const auto answers, predictor->Predict({{smiles}, {sequence}, {{0, 0}}}));
      ASSERT_THAT(answers[0], IsOk());
      EXPECT_NEAR(*answers[0], evaluation.predicted[i], 1e-5) << smiles << " " << sequence;
    }
  }

  const TempDir directory_;
  const std::string data_dir_ = directory_ / "data";
};

TEST_F(EvaluateTest, PredictorSaysTheSameOfTheRowsOfTheCsv) {
  const std::string checkpoint = Save("model.pt", Small());
  for (const Part part : {Part::kTrain, Part::kVal, Part::kTest}) {
    ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, Evaluate(checkpoint, data_dir_, part));
    ExpectPredictorAgrees(checkpoint, evaluation);
    EXPECT_EQ(evaluation.metrics.pairs, evaluation.pairs.size());
    EXPECT_EQ(evaluation.affinity_unit, "pKd");
    EXPECT_EQ(evaluation.digest, *Sha256HexOfFile(checkpoint));
  }
}

TEST_F(EvaluateTest, ModelsOfAnySizesAreEvaluatedSideBySide) {
  ModelOptions other = Small();
  other.model_type = ModelType::kStandard;
  other.hidden_dim = 24;
  other.fusion_heads = 3;
  other.fusion_layers = 2;
  other.drug_layers = 1;
  other.residues_per_token = 8;
  const std::string first = Save("first.pt", Small()), second = Save("second.pt", other);
  ASSERT_OK_AND_ASSIGN(const Evaluation gated, Evaluate(first, data_dir_, Part::kTest));
  ASSERT_OK_AND_ASSIGN(const Evaluation standard, Evaluate(second, data_dir_, Part::kTest));
  EXPECT_EQ(gated.model_type, "gated");
  EXPECT_EQ(standard.model_type, "standard");
  EXPECT_EQ(gated.pairs.row, standard.pairs.row);
  EXPECT_NE(gated.predicted, standard.predicted);
  ExpectPredictorAgrees(first, gated);
  ExpectPredictorAgrees(second, standard);
}

TEST_F(EvaluateTest, ModelOfAnotherUnitIsRefused) {
  const absl::Status status = Evaluate(Save("kiba.pt", Small(), "KIBA"), data_dir_, Part::kTest).status();
  EXPECT_THAT(status, IsError(absl::StatusCode::kFailedPrecondition, "OTHER_UNIT",
                              "the model predicts KIBA and the data set holds pKd"));
  EXPECT_EQ(GetErrorMetadata(status), (ErrorMetadata{{"model_unit", "KIBA"}, {"dataset_unit", "pKd"}}));
  EXPECT_THAT(Evaluate(Save("unknown.pt", Small(), ""), data_dir_, Part::kTest), IsOk()) << "an unknown unit may fit";
}

TEST_F(EvaluateTest, FeaturesComeFromTheDataSetElseFromTheModel) {
  ASSERT_OK_AND_ASSIGN(ProcessedDataset dataset,
                       LoadProcessedDataset(data_dir_, {Part::kTrain, Part::kVal, Part::kTest}));
  dataset.manifest.protein_feature_dim = 2;
  for (size_t i = 0; i < dataset.proteins.size(); ++i) dataset.proteins[i].features = {0.5F, static_cast<float>(i)};
  ModelOptions options = Small();
  options.protein_feature_dim = 2;
  const std::string with_vectors = Save("with.pt", options, "pKd", VectorsOf(dataset));
  const std::string without = Save("without.pt", options), plain = Save("plain.pt", Small());

  ASSERT_OK_AND_ASSIGN(const Evaluation of_model, Evaluate(with_vectors, data_dir_, Part::kTest));
  EXPECT_THAT(Evaluate(without, data_dir_, Part::kTest),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_FEATURES",
                      data_dir_ + ": the model takes protein features of 2 values; the data set has none, and"));
  ASSERT_OK_AND_ASSIGN(const Evaluation plain_before, Evaluate(plain, data_dir_, Part::kTest));

  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  ASSERT_OK_AND_ASSIGN(const Evaluation of_data, Evaluate(without, data_dir_, Part::kTest));
  EXPECT_EQ(of_data.predicted, of_model.predicted);
  ASSERT_OK_AND_ASSIGN(const Evaluation plain_after, Evaluate(plain, data_dir_, Part::kTest));
  EXPECT_EQ(plain_after.predicted, plain_before.predicted) << "a model without features leaves them out";
  ExpectPredictorAgrees(with_vectors, of_data);

  for (ProteinEntry& protein : dataset.proteins) protein.features[1] += 1.0F;
  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  ASSERT_OK_AND_ASSIGN(const Evaluation of_others, Evaluate(with_vectors, data_dir_, Part::kTest));
  EXPECT_NE(of_others.predicted, of_data.predicted);
}

TEST_F(EvaluateTest, FeaturesOfAnotherDimensionAreRefused) {
  ASSERT_OK_AND_ASSIGN(ProcessedDataset dataset,
                       LoadProcessedDataset(data_dir_, {Part::kTrain, Part::kVal, Part::kTest}));
  dataset.manifest.protein_feature_dim = 2;
  for (ProteinEntry& protein : dataset.proteins) protein.features = {0.5F, 1.0F};
  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  ModelOptions options = Small();
  options.protein_feature_dim = 3;
  EXPECT_THAT(Evaluate(Save("three.pt", options), data_dir_, Part::kTest),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_FEATURES",
                      "the model takes protein features of 3 values and the data set has 2"));
}

TEST_F(EvaluateTest, PartWithoutPairsIsRefused) {
  ASSERT_OK_AND_ASSIGN(ProcessedDataset dataset, LoadProcessedDataset(data_dir_, {Part::kTrain, Part::kVal}));
  dataset.manifest.test_pairs = 0;
  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  EXPECT_THAT(Evaluate(Save("model.pt", Small()), data_dir_, Part::kTest),
              IsError(absl::StatusCode::kFailedPrecondition, "EMPTY_PART", data_dir_ + ": the part asked for has no"));
}

TEST_F(EvaluateTest, ProteinThatIsTooLongForTheModelIsRefused) {
  ModelOptions options = Small();
  options.max_sequence_length = 20;
  EXPECT_THAT(Evaluate(Save("short.pt", options), data_dir_, Part::kTrain),
              IsError(absl::StatusCode::kInvalidArgument, "SEQUENCE_TOO_LONG", "this model takes at most 20"));
}

TEST_F(EvaluateTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(Evaluate(directory_ / "none.pt", data_dir_, Part::kTest),
              IsError(absl::StatusCode::kNotFound, "NOT_FOUND", "none.pt"));
  EXPECT_THAT(Evaluate(Save("model.pt", Small()), directory_ / "nothing", Part::kTest),
              IsError(absl::StatusCode::kNotFound, "NOT_FOUND", "nothing"));
}

}  // namespace
}  // namespace deepbindnet
