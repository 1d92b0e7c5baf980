#include "core/model/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "core/base/file.h"
#include "core/model/predict_pairs.h"
#include "tests/support/parameters.h"
#include "tests/support/status_matchers.h"
#include "tests/support/synthetic_batch.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.model_type = ModelType::kStandard;
    options_.hidden_dim = 16;
    options_.feature_dim = 8;
    options_.residues_per_token = 8;
  }

  Checkpoint Make(const AffinityModel& model) const {
    Checkpoint checkpoint;
    checkpoint.options = options_;
    checkpoint.scaler = {11.7, 0.84};
    checkpoint.affinity_unit = "KIBA";
    checkpoint.dataset_digest = "abc";
    checkpoint.epoch = 7;
    checkpoint.weights = CopyWeights(*model);
    return checkpoint;
  }
  std::string Path() const { return directory_ / "model.pt"; }

  const TempDir directory_;
  ModelOptions options_;
};

TEST_F(CheckpointTest, CarriesEverythingNeededToPredict) {
  AffinityModel model(options_);
  GiveRandomValues(*model);
  model->eval();
  ASSERT_TRUE(SaveCheckpoint(Path(), Make(model)).ok());
  const auto loaded = LoadCheckpoint(Path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->options.model_type, ModelType::kStandard);
  EXPECT_EQ(loaded->options.residues_per_token, 8);
  EXPECT_EQ(loaded->scaler.mean, 11.7);
  EXPECT_EQ(loaded->affinity_unit, "KIBA");
  EXPECT_EQ(loaded->epoch, 7);
  const auto again = MakeModel(*loaded, torch::kCPU);
  ASSERT_TRUE(again.ok()) << again.status();
  const SyntheticEntities entities({6}, {50});
  EXPECT_EQ(PredictPairs(model, torch::kCPU, entities.Graphs(), entities.Tokens(), {{0, 0}}),
            PredictPairs(*again, torch::kCPU, entities.Graphs(), entities.Tokens(), {{0, 0}}));
}

TEST_F(CheckpointTest, PythonReadsTheWeights) {
  AffinityModel model(options_);
  ASSERT_TRUE(SaveCheckpoint(Path(), Make(model)).ok());
  const std::string script =
      "import json,sys,torch; d=torch.load(sys.argv[1], weights_only=True); c=json.loads(d['config']); "
      "print(c['model']['hidden_dim'], len(d['weights']), '%.6f' % float(sum(w.double().sum() for w in "
      "d['weights'].values())))";
  const std::string command = "/usr/bin/python3 -c \"" + script + "\" " + Path();
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  int hidden = 0, count = 0;
  double sum = 0;
  EXPECT_EQ(fscanf(pipe, "%d %d %lf", &hidden, &count, &sum), 3);
  EXPECT_EQ(pclose(pipe), 0);
  double expected = 0;
  for (const torch::Tensor& parameter : model->parameters())
    expected += parameter.to(torch::kFloat64).sum().item<double>();
  EXPECT_EQ(hidden, 16);
  EXPECT_EQ(count, static_cast<int>(model->parameters().size()));
  EXPECT_NEAR(sum, expected, 1e-5);
}

TEST_F(CheckpointTest, CarriesDirectionAndVectors) {
  options_.protein_feature_dim = 2;
  Checkpoint checkpoint = Make(AffinityModel(options_));
  checkpoint.affinity_direction = AffinityDirection::kLowerBindsTighter;
  checkpoint.protein_vectors = {{"MK", {0.5F, -1.0F}}, {"MV", {2.0F, 3.0F}}};
  ASSERT_THAT(SaveCheckpoint(Path(), checkpoint), IsOk());
  ASSERT_OK_AND_ASSIGN(const Checkpoint loaded, LoadCheckpoint(Path()));
  EXPECT_EQ(loaded.options.protein_feature_dim, 2);
  EXPECT_EQ(loaded.affinity_direction, AffinityDirection::kLowerBindsTighter);
  EXPECT_EQ(loaded.protein_vectors, checkpoint.protein_vectors);
}

// Takes text out of a saved checkpoint's configuration, or puts other text there.
void EditConfig(const std::string& path, const std::string& from, const std::string& to) {
  TensorDict dict = *LoadDict(path);
  std::string config = *GetString(dict, "config");
  ASSERT_NE(config.find(from), std::string::npos) << config;
  config.replace(config.find(from), from.size(), to);
  dict.insert_or_assign("config", config);
  ASSERT_THAT(SaveDict(path, dict), IsOk());
}

TEST_F(CheckpointTest, OneOfAnotherVersionIsRefused) {
  ASSERT_THAT(SaveCheckpoint(Path(), Make(AffinityModel(options_))), IsOk());
  EditConfig(Path(), R"("version":5)", R"("version":4)");
  EXPECT_THAT(LoadCheckpoint(Path()),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT",
                      Path() + ": made by another version of DeepBindNet; train the model again"));
}

TEST_F(CheckpointTest, CarriesTheEndsOfWhatItPredicts) {
  options_.lowest_level = -2.25;
  options_.highest_level = 3.5;
  AffinityModel model(options_);
  ASSERT_THAT(SaveCheckpoint(Path(), Make(model)), IsOk());
  ASSERT_OK_AND_ASSIGN(const Checkpoint loaded, LoadCheckpoint(Path()));
  EXPECT_EQ(loaded.options.lowest_level, -2.25);
  EXPECT_EQ(loaded.options.highest_level, 3.5);
  EXPECT_TRUE(torch::equal((*MakeModel(loaded, torch::kCPU))->levels(), model->levels()));
}

TEST_F(CheckpointTest, VectorsThatAreUnfitAreRefused) {
  ASSERT_THAT(SaveCheckpoint(Path(), Make(AffinityModel(options_))), IsOk());
  EditConfig(Path(), R"("protein_feature_dim":0)", R"("protein_feature_dim":2)");
  EXPECT_THAT(LoadCheckpoint(Path()), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT",
                                              Path() + ": no dictionary 'protein_features'"));
  EditConfig(Path(), R"("protein_feature_dim":2)", R"("protein_feature_dim":16385)");
  EXPECT_THAT(LoadCheckpoint(Path()), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                                              "protein_feature_dim: 16385 is not in [0, 16384]"));
}

TEST_F(CheckpointTest, MissingFileIsNotFound) {
  EXPECT_EQ(LoadCheckpoint(Path()).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CheckpointTest, DamagedFileIsRefused) {
  AffinityModel model(options_);
  ASSERT_TRUE(SaveCheckpoint(Path(), Make(model)).ok());
  const std::string whole = *ReadFile(Path());
  std::vector<size_t> lengths = {0, 10, whole.size() - 30, whole.size() - 1};
  for (size_t i = 1; i < 50; ++i) lengths.push_back(whole.size() / 50 * i);
  for (const size_t length : lengths) {
    ASSERT_TRUE(WriteFileAtomically(Path(), whole.substr(0, length)).ok());
    const absl::Status status = LoadCheckpoint(Path()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << length;
    EXPECT_THAT(std::string(status.message()), HasSubstr(Path()));
  }
}

TEST_F(CheckpointTest, WeightOfAnotherShapeIsNamed) {
  AffinityModel model(options_);
  Checkpoint checkpoint = Make(model);
  checkpoint.weights.insert_or_assign("members.0.head.last.bias", torch::zeros({3}));
  const absl::Status status = MakeModel(checkpoint, torch::kCPU).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("members.0.head.last.bias"));
}

TEST_F(CheckpointTest, LoadModelIsOfOneReadingOfTheFile) {
  AffinityModel model(options_);
  model->eval();
  ASSERT_TRUE(SaveCheckpoint(Path(), Make(model)).ok());
  ASSERT_OK_AND_ASSIGN(const LoadedModel loaded, LoadModel(Path(), torch::kCPU));
  EXPECT_EQ(loaded.digest, *Sha256HexOfFile(Path()));
  EXPECT_EQ(loaded.checkpoint.epoch, 7);
  EXPECT_FALSE(loaded.model->is_training());
  EXPECT_TRUE(torch::equal(loaded.model->parameters()[0], model->parameters()[0]));
}

TEST_F(CheckpointTest, ErrorsOfLoadModelNameTheFile) {
  EXPECT_THAT(LoadModel(Path(), torch::kCPU), IsError(absl::StatusCode::kNotFound, "NOT_FOUND", Path()));
  Checkpoint checkpoint = Make(AffinityModel(options_));
  checkpoint.weights.insert_or_assign("members.0.head.last.bias", torch::zeros({3}));
  ASSERT_TRUE(SaveCheckpoint(Path(), checkpoint).ok());
  EXPECT_THAT(LoadModel(Path(), torch::kCPU), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT",
                                                      Path() + ": weight 'members.0.head.last.bias'"));
}

TEST_F(CheckpointTest, ScalerThatScalesNothingIsRefused) {
  Checkpoint checkpoint = Make(AffinityModel(options_));
  for (const double sd : {0.0, -0.84}) {
    checkpoint.scaler.sd = sd;
    ASSERT_TRUE(SaveCheckpoint(Path(), checkpoint).ok());
    EXPECT_THAT(LoadCheckpoint(Path()), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT",
                                                Path() + ": scaler: a mean of 11.7 and an sd of"));
  }
}

TEST_F(CheckpointTest, NonFiniteWeightIsRefused) {
  AffinityModel model(options_);
  Checkpoint checkpoint = Make(model);
  checkpoint.weights.insert_or_assign("members.0.head.last.bias", torch::full({1}, NAN));
  EXPECT_EQ(MakeModel(checkpoint, torch::kCPU).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace deepbindnet
