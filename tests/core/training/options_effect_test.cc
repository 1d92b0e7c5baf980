// Options of a training whose effect no other test would miss.
#include <algorithm>
#include <cmath>

#include "core/training/loss.h"
#include "core/training/optimizer.h"
#include "core/training/replicas.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

class TrainingOptionsEffectTest : public TrainerTest {
 protected:
  Checkpoint Latest(const std::string& output) const {
    auto latest = LoadCheckpoint(OutputDir(output) + "/latest_checkpoint.pt");
    EXPECT_THAT(latest, IsOk());
    return *std::move(latest);
  }

  // The weights that predictions are made with, in module order.
  static torch::Tensor SavedWeights(const Checkpoint& checkpoint) {
    std::vector<torch::Tensor> flat;
    const AffinityModel model(checkpoint.options);
    for (const auto& item : model->named_parameters()) {
      flat.push_back(GetTensor(checkpoint.weights, item.key())->flatten());
    }
    return torch::cat(flat);
  }
};

TEST_F(TrainingOptionsEffectTest, TheLossIsTheOneThatWasChosen) {
  const SyntheticEntities entities({4, 6, 5, 7, 3}, {20, 35, 50});
  TrainingPairs data{entities.Table(options_.model.residues_per_token), {}, {}};
  std::vector<float> z;
  std::vector<int64_t> chosen;
  for (int i = 0; i < 15; ++i) {
    data.pairs.push_back({i % 5, i % 3});
    z.push_back(static_cast<float>(i % 7) - 3);
    chosen.push_back(i);
  }
  data.z = torch::tensor(z);
  std::vector<double> losses;
  options_.distribution_weight = 0;
  for (const Loss loss : {Loss::kMse, Loss::kHuber, Loss::kLogCosh}) {
    options_.loss = loss;
    Replicas replicas(data, options_, torch::kCPU, c10::nullopt, 1);
    const Optimizer optimizer(replicas.modules(), {});
    const BatchResult result = replicas.Backward(chosen, static_cast<int64_t>(chosen.size()), 1, false);
    EXPECT_NEAR(result.loss.item<double>(), ComputeLoss(loss, result.predicted, data.z).item<double>(), 1e-5)
        << LossName(loss);
    losses.push_back(result.loss.item<double>());
  }
  EXPECT_GT(losses[0], losses[1] + 0.1) << "large errors count less to huber";
  EXPECT_GT(losses[1], losses[2] + 0.01) << "and even less to log_cosh";
}

TEST_F(TrainingOptionsEffectTest, TheDistributionCountsAsMuchAsItsWeight) {
  const SyntheticEntities entities({4, 6}, {20, 35});
  TrainingPairs data{entities.Table(options_.model.residues_per_token), {}, {}};
  data.pairs = {{0, 0}, {1, 1}, {0, 1}};
  data.z = torch::tensor({-1.0F, 0.5F, 2.0F});
  const auto loss = [&](double weight) {
    options_.distribution_weight = weight;
    Replicas replicas(data, options_, torch::kCPU, c10::nullopt, 1);
    const Optimizer optimizer(replicas.modules(), {});
    return replicas.Backward({0, 1, 2}, 3, 1, false).loss.item<double>();
  };
  const double value = loss(0), with = loss(1) - value;
  EXPECT_GT(with, 0.5);
  EXPECT_NEAR(loss(3) - value, 3 * with, 1e-4);
}

TEST_F(TrainingOptionsEffectTest, FeaturesAreLeftOutInTrainingAlone) {
  const SyntheticEntities entities({14, 16}, {120, 135});
  TrainingPairs data{entities.Table(options_.model.residues_per_token), {}, {}};
  data.pairs = {{0, 0}, {1, 1}};
  data.z = torch::tensor({-1.0F, 0.5F});
  options_.model.dropout_rate = 0;
  const auto predicted = [&](double rate, uint64_t seed) {
    options_.feature_dropout_rate = rate;
    Replicas replicas(data, options_, torch::kCPU, c10::nullopt, 1);
    const Optimizer optimizer(replicas.modules(), {});
    replicas.Seed(seed, 0);
    return replicas.Backward({0, 1}, 2, 1, false).predicted;
  };
  EXPECT_TRUE(torch::equal(predicted(0, 1), predicted(0, 2)));
  EXPECT_TRUE(torch::equal(predicted(0.5, 1), predicted(0.5, 1))) << "the seed decides";
  EXPECT_FALSE(torch::equal(predicted(0.5, 1), predicted(0.5, 2)));
  EXPECT_FALSE(torch::equal(predicted(0.5, 1), predicted(0, 1)));
}

TEST_F(TrainingOptionsEffectTest, TheDataDecideWhatCanBePredicted) {
  options_.num_epochs = 1;
  Recorder recorder;
  ASSERT_THAT(Run("model", &recorder), IsOk());
  const auto best = LoadCheckpoint(OutputDir("model") + "/best_model.pt");
  ASSERT_THAT(best, IsOk());
  const auto dataset = LoadProcessedDataset(data_dir_, {Part::kTrain});
  ASSERT_THAT(dataset, IsOk());
  const auto [low, high] = std::minmax_element(dataset->train.affinity.begin(), dataset->train.affinity.end());
  EXPECT_DOUBLE_EQ(best->options.lowest_level, dataset->scaler.Scale(*low) - 0.5);
  EXPECT_DOUBLE_EQ(best->options.highest_level, dataset->scaler.Scale(*high) + 0.5);
}

TEST_F(TrainingOptionsEffectTest, TheLossReachesTheTraining) {
  std::vector<double> losses;
  for (const Loss loss : {Loss::kMse, Loss::kHuber, Loss::kLogCosh}) {
    options_.loss = loss;
    options_.num_epochs = 1;
    Recorder recorder;
    ASSERT_THAT(Run("loss", &recorder), IsOk());
    losses.push_back(recorder.epochs[0].train_loss);
  }
  EXPECT_GT(losses[0], losses[1]);
  EXPECT_GT(losses[1], losses[2]);
}

TEST_F(TrainingOptionsEffectTest, WithWeightAveragingTheAverageIsSavedAndValidated) {
  Recorder recorder;
  options_.ema_decay = 0.999;
  ASSERT_THAT(Run("averaged", &recorder), IsOk());
  const Checkpoint latest = Latest("averaged");
  const torch::Tensor saved = SavedWeights(latest);
  EXPECT_TRUE(torch::equal(saved, *GetTensor(latest.training_state, "average")));
  EXPECT_FALSE(torch::allclose(saved, *GetTensor(latest.training_state, "weights"), 0, 1e-4));
}

TEST_F(TrainingOptionsEffectTest, WithoutWeightAveragingTheWeightsThemselvesAreSaved) {
  Recorder recorder;
  options_.ema_decay = 0;
  ASSERT_THAT(Run("plain", &recorder), IsOk());
  const Checkpoint latest = Latest("plain");
  EXPECT_TRUE(torch::equal(SavedWeights(latest), *GetTensor(latest.training_state, "weights")));
  EXPECT_FALSE(GetTensor(latest.training_state, "average").ok());
}

TEST_F(TrainingOptionsEffectTest, TheInitialBiasOfTheGatesReachesTheTraining) {
  options_.num_epochs = 1;
  for (const double bias : {-5.0, 5.0}) {
    options_.model.gate_initial_bias = bias;
    Recorder recorder;
    ASSERT_THAT(Run("bias", &recorder), IsOk());
    EXPECT_NEAR(recorder.epochs[0].gate_mean, 1 / (1 + std::exp(-bias)), 0.02) << bias;
  }
}

TEST_F(TrainingOptionsEffectTest, TheCheckpointCarriesEveryOptionOfTheModel) {
  options_.model.gate_kind = GateKind::kHead;
  options_.model.gate_initial_bias = 1.5;
  options_.model.members = 2;
  options_.model.drug_layers = 3;
  options_.model.residues_per_token = 8;
  options_.model.max_sequence_length = 64;
  options_.num_epochs = 1;
  Recorder recorder;
  ASSERT_THAT(Run("model", &recorder), IsOk());
  const auto best = LoadCheckpoint(OutputDir("model") + "/best_model.pt");
  ASSERT_THAT(best, IsOk());
  options_.model.lowest_level = best->options.lowest_level;  // These two the data decide.
  options_.model.highest_level = best->options.highest_level;
  EXPECT_EQ(ModelOptionsToJson(best->options), ModelOptionsToJson(options_.model));
  EXPECT_THAT(MakeModel(*best, torch::kCPU), IsOk());
}

}  // namespace
}  // namespace deepbindnet
