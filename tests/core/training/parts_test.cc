// The small parts of training: schedule, sampler, losses, options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/compute/torch_util.h"
#include "core/training/loss.h"
#include "core/training/sampler.h"
#include "core/training/schedule.h"
#include "core/training/training_options.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using testing::ElementsAre;

TEST(WarmupCosineTest, RisesToThePeakAndFallsToTheFinalShare) {
  EXPECT_DOUBLE_EQ(WarmupCosine(0, 0.1), kFinalShare);
  EXPECT_NEAR(WarmupCosine(0.05, 0.1), 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(WarmupCosine(0.1, 0.1), 1.0);
  EXPECT_NEAR(WarmupCosine(0.55, 0.1), (1 + kFinalShare) / 2, 1e-12);
  EXPECT_NEAR(WarmupCosine(1, 0.1), kFinalShare, 1e-12);
  EXPECT_NEAR(WarmupCosine(1.5, 0.1), kFinalShare, 1e-12) << "beyond the end it stays";
  EXPECT_DOUBLE_EQ(WarmupCosine(0, 0), 1.0) << "without warm-up it starts at the peak";
}

TEST(WarmupCosineTest, ChangesAtEveryStep) {
  double last = 2;
  for (int step = 20; step <= 1000; ++step) {
    const double share = WarmupCosine(step / 1000.0, 0.02);
    EXPECT_LT(share, last);
    last = share;
  }
}

std::vector<int32_t> Targets() {
  std::vector<int32_t> targets;
  for (int i = 0; i < 1000; ++i) targets.push_back(i * i % 37);
  return targets;
}

TEST(EpochBatchesTest, HoldEveryPairOnce) {
  std::vector<int64_t> all;
  const auto batches = EpochBatches(Targets(), 64, 1, 1);
  EXPECT_EQ(batches.size(), 16U);
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  std::vector<int64_t> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
  for (size_t b = 0; b + 1 < batches.size(); ++b) EXPECT_EQ(batches[b].size(), 64U);
}

TEST(EpochBatchesTest, SeedAndEpochDecide) {
  EXPECT_EQ(EpochBatches(Targets(), 64, 1, 2), EpochBatches(Targets(), 64, 1, 2));
  EXPECT_NE(EpochBatches(Targets(), 64, 1, 2), EpochBatches(Targets(), 64, 1, 3));
  EXPECT_NE(EpochBatches(Targets(), 64, 1, 2), EpochBatches(Targets(), 64, 2, 2));
}

TEST(EpochBatchesTest, BatchesShareProteins) {
  const std::vector<int32_t> targets = Targets();
  for (const auto& batch : EpochBatches(targets, 64, 1, 1)) {
    std::set<int32_t> distinct;
    for (const int64_t pair : batch) distinct.insert(targets[pair]);
    EXPECT_LE(distinct.size(), 64U / kPairsPerRun + 8);
  }
}

TEST(ComputeLossTest, FollowsItsFormula) {
  const torch::Tensor truth = torch::zeros({3}), predicted = torch::tensor({0.5F, -2.0F, 30.0F});
  EXPECT_NEAR(ComputeLoss(Loss::kMse, predicted, truth).item<double>(), (0.25 + 4 + 900) / 3, 1e-4);
  EXPECT_NEAR(ComputeLoss(Loss::kHuber, predicted, truth).item<double>(), (0.125 + 1.5 + 29.5) / 3, 1e-5);
  EXPECT_NEAR(ComputeLoss(Loss::kLogCosh, predicted, truth).item<double>(),
              (std::log(std::cosh(0.5)) + std::log(std::cosh(2.0)) + 30 - std::log(2.0)) / 3, 1e-5);
}

// One number after the other, as the header says.
double DistributionLossByLoops(const std::vector<double>& scores, const std::vector<double>& levels, double truth) {
  const double distance = levels[1] - levels[0], kept = std::clamp(truth, levels.front(), levels.back());
  double total_goal = 0, total = 0, loss = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    total_goal += std::exp(-0.5 * std::pow((levels[i] - kept) / distance, 2));
    total += std::exp(scores[i]);
  }
  for (size_t i = 0; i < levels.size(); ++i) {
    loss -= std::exp(-0.5 * std::pow((levels[i] - kept) / distance, 2)) / total_goal * (scores[i] - std::log(total));
  }
  return loss;
}

TEST(DistributionLossTest, FollowsItsDefinitionAndKeepsTruthsWithinTheLevels) {
  const std::vector<double> levels = {-1.0, -0.5, 0.0, 0.5, 1.0};
  const std::vector<double> scores = {0.3, -1.0, 2.0, 0.1, -0.4};
  const torch::Tensor given = torch::tensor(scores, torch::kFloat64).unsqueeze(0);
  for (const double truth : {-0.5, 0.1, 0.5, 1.0, 7.0, -30.0}) {
    EXPECT_NEAR(DistributionLoss(given, torch::tensor(levels, torch::kFloat64), torch::tensor({truth}, torch::kFloat64))
                    .item<double>(),
                DistributionLossByLoops(scores, levels, truth), 1e-12)
        << truth;
  }
}

TEST(DistributionLossTest, IsLeastWhereTheDistributionIsTheGoal) {
  const torch::Tensor levels = torch::linspace(-3, 3, 61), truth = torch::tensor({0.72F});
  const torch::Tensor goal = -0.5 * ((levels - 0.72) / 0.1).square();
  const double least = DistributionLoss(goal.unsqueeze(0), levels, truth).item<double>();
  for (const double shift : {-0.2, -0.05, 0.05, 0.2}) {
    const torch::Tensor off = -0.5 * ((levels - 0.72 - shift) / 0.1).square();
    EXPECT_GT(DistributionLoss(off.unsqueeze(0), levels, truth).item<double>(), least + 0.05) << shift;
  }
}

TEST(ComputeLossTest, ShapesThatWouldBeBroadcastAreRefused) {
  for (const Loss loss : {Loss::kMse, Loss::kHuber, Loss::kLogCosh}) {
    for (const torch::Tensor& truth : {torch::zeros({3, 1}), torch::zeros({1}), torch::zeros({})}) {
      const absl::Status status = CatchTorch([&]() -> absl::Status {
        ComputeLoss(loss, torch::zeros({3}), truth);
        return absl::OkStatus();
      });
      EXPECT_THAT(status, IsError(absl::StatusCode::kInternal, "INTERNAL", "are not both [pairs]"));
    }
  }
}

TEST(TrainingOptionsTest, PresetsAreValid) {
  for (const char* name : {"small", "base"}) EXPECT_TRUE(ValidateTrainingOptions(*TrainingPreset(name)).ok()) << name;
  EXPECT_EQ(TrainingPreset("base")->model.hidden_dim, 256);
  EXPECT_EQ(TrainingPreset("large").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TrainingOptionsTest, EveryFieldIsChecked) {
  const auto field_at_fault = [](auto change) {
    TrainingOptions options;
    change(&options);
    return GetErrorMetadata(ValidateTrainingOptions(options))["field"];
  };
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->batch_size = 0; }), "batch_size");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->num_epochs = 0; }), "num_epochs");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->lr = 0; }), "lr");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->lr = NAN; }), "lr");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->weight_decay = -1; }), "weight_decay");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->patience = -1; }), "patience");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->max_minutes = -1; }), "max_minutes");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->clip_norm = -1; }), "clip_norm");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->warmup_fraction = 0.6; }), "warmup_fraction");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->ema_decay = 1; }), "ema_decay");
  EXPECT_EQ(field_at_fault([](TrainingOptions* o) { o->model.hidden_dim = 4; }), "hidden_dim");
}

TEST(TrainingOptionsTest, ErrorSaysWhatWouldBeRight) {
  TrainingOptions options;
  options.lr = 0;
  EXPECT_THAT(ValidateTrainingOptions(options),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "lr: 0 is not in (0, 1]"));
}

TEST(LossTest, NamesRoundTrip) {
  for (const Loss loss : {Loss::kMse, Loss::kHuber, Loss::kLogCosh}) EXPECT_EQ(*ParseLoss(LossName(loss)), loss);
  EXPECT_THAT(ParseLoss("l1"),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "loss: l1 is not mse, huber or log_cosh"));
}

}  // namespace
}  // namespace deepbindnet
