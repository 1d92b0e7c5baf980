#include "core/training/prior_member.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/model/predict_pairs.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

std::vector<float> ValuesOf(const torch::Tensor& row) {
  const torch::Tensor values = row.to(torch::kFloat32).contiguous();
  return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

TEST(FitSharesTest, NoOtherShareOfTheFirstHasALowerError) {
  torch::manual_seed(1);
  const torch::Tensor truth = torch::randn({50});
  const torch::Tensor predictions = truth + torch::tensor({0.4, 0.8, 0.8}).unsqueeze(1) * torch::randn({3, 50});
  const torch::Tensor shares = FitShares(predictions.to(torch::kFloat32), truth);
  EXPECT_NEAR(shares.sum().item<double>(), 1, 1e-6);
  EXPECT_EQ(shares[1].item<float>(), shares[2].item<float>());
  const auto error = [&](double first) {
    const torch::Tensor others = (predictions[1] + predictions[2]) / 2;
    return (first * predictions[0] + (1 - first) * others - truth).square().mean().item<double>();
  };
  const auto first = shares[0].item<double>();
  EXPECT_GT(first, 0.5);
  EXPECT_LT(first, 1);
  EXPECT_LT(error(first), error(first + 0.01));
  EXPECT_LT(error(first), error(first - 0.01));
}

TEST(FitSharesTest, NoShareIsNegative) {
  const torch::Tensor truth = torch::tensor({0.0F, 1.0F, 2.0F});
  const torch::Tensor good = truth, off = truth + 1, further = truth + 2;
  EXPECT_THAT(ValuesOf(FitShares(torch::stack({good, off, further}), truth)), ElementsAre(1, 0, 0));
  EXPECT_THAT(ValuesOf(FitShares(torch::stack({off, good, good}), truth)), ElementsAre(0, 0.5, 0.5));
  EXPECT_THAT(ValuesOf(FitShares(torch::stack({further, off, off}), truth)), ElementsAre(0, 0.5, 0.5));
}

TEST(FitSharesTest, MembersThatSayTheSameCountAlike) {
  const torch::Tensor truth = torch::tensor({0.0F, 1.0F});
  const float third = 1.0F / 3;
  EXPECT_THAT(ValuesOf(FitShares(torch::ones({3, 2}), truth)), ElementsAre(third, third, third));
}

TEST(IsToRestTest, AfterAThirdOfTheRunOrTwoEpochsWithoutALowerError) {
  PriorMember member;
  member.best_epoch = 3;
  EXPECT_FALSE(IsToRest(member, 3, 0.2));
  EXPECT_FALSE(IsToRest(member, 4, 0.2));
  EXPECT_TRUE(IsToRest(member, 5, 0.2));
  EXPECT_FALSE(IsToRest(member, 3, 0.33));
  EXPECT_TRUE(IsToRest(member, 3, kPriorPart));
}

// Runs of a model of three members, the first of which has the prior.
class PriorMemberTest : public TrainerTest {
 protected:
  PriorMemberTest() {
    options_.model.members = 3;
    options_.num_epochs = 9;
    options_.patience = 0;
  }

  static torch::Tensor WeightsOfFirst(const std::string& path) {
    const absl::StatusOr<Checkpoint> checkpoint = LoadCheckpoint(path);
    EXPECT_THAT(checkpoint, IsOk());
    std::vector<torch::Tensor> flat;
    for (const auto& entry : checkpoint->weights) {
      if (entry.key().toStringRef().rfind("members.0.", 0) == 0) flat.push_back(entry.value().toTensor().view({-1}));
    }
    return torch::cat(flat);
  }
};

TEST_F(PriorMemberTest, LearnsForAThirdOfTheRunAtMostAndRestsWithItsBestWeights) {
  Recorder whole;
  std::vector<torch::Tensor> after_epoch;  // Of the first member, from epoch 1 on.
  whole.on_step = [&](const StepReport& step) {
    if (step.step == 1 && step.epoch > 1) after_epoch.push_back(WeightsOfFirst(whole.files.Latest()));
  };
  ASSERT_THAT(Run("whole", &whole), IsOk());
  after_epoch.push_back(WeightsOfFirst(whole.files.Latest()));
  ASSERT_EQ(after_epoch.size(), 9U);
  EXPECT_FALSE(torch::equal(after_epoch[1], after_epoch[0])) << "it learns";
  ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(whole.files.Latest()));
  EXPECT_EQ(latest.training_state.at("prior_member_rests").toInt(), 1);
  const int64_t best_epoch = latest.training_state.at("prior_member_best_epoch").toInt();
  ASSERT_GE(best_epoch, 1);
  ASSERT_LE(best_epoch, 3);
  for (size_t epoch = 3; epoch <= 9; ++epoch) {
    EXPECT_TRUE(torch::equal(after_epoch[epoch - 1], after_epoch[8])) << epoch;
  }
  EXPECT_TRUE(torch::equal(after_epoch[best_epoch - 1], after_epoch[8]));
}

TEST_F(PriorMemberTest, ModelsOnDiskHaveTheSharesOfTheirEpoch) {
  Recorder recorder;
  ASSERT_OK_AND_ASSIGN(const TrainingReport report, Run("shares", &recorder));
  ASSERT_OK_AND_ASSIGN(const ProcessedDataset data, LoadProcessedDataset(data_dir_, {Part::kVal}));
  for (const std::string& path : {recorder.files.Best(), recorder.files.Latest()}) {
    ASSERT_OK_AND_ASSIGN(const LoadedModel loaded, LoadModel(path, torch::kCPU));
    const torch::Tensor predicted = PredictMembers(loaded.model, torch::kCPU, data, data.val);
    const torch::Tensor expected = FitShares(predicted, torch::tensor(ScaledOf(data.val, data.scaler)));
    EXPECT_TRUE(torch::allclose(loaded.model->shares(), expected, 1e-3, 1e-3)) << loaded.model->shares();
    const RegressionMetrics metrics =
        ComputeMetrics(data.val.affinity, PredictAffinities(loaded.model, torch::kCPU, data, data.val, data.scaler));
    const RegressionMetrics& reported = path == recorder.files.Best() ? report.val : recorder.epochs.back().val;
    EXPECT_NEAR(metrics.mse, reported.mse, 1e-6);
  }
}

TEST_F(PriorMemberTest, ARunStoppedAtAnyStepEqualsTheUninterruptedOne) {
  options_.num_epochs = 4;
  Recorder whole;
  ASSERT_THAT(Run("whole", &whole), IsOk());
  for (size_t boundary = 1; boundary < whole.steps.size(); ++boundary) {
    SCOPED_TRACE(boundary);
    const std::string output = "parts" + std::to_string(boundary);
    Recorder first, second;
    first.on_step = [&](const StepReport&) { stop_ = first.steps.size() == boundary; };
    EXPECT_EQ(Run(output, &first).status().code(), absl::StatusCode::kCancelled);
    stop_ = false;
    ASSERT_THAT(Run(output, &second, /*resume=*/true), IsOk());
    ExpectSameWeights(whole.files.Best(), second.files.Best());
    ExpectSameWeights(whole.files.Latest(), second.files.Latest());
  }
}

TEST_F(PriorMemberTest, WithoutAPriorAllMembersLearnToTheEndAndCountAlike) {
  options_.model.similarity_prior = false;
  options_.num_epochs = 4;
  Recorder recorder;
  ASSERT_THAT(Run("without", &recorder), IsOk());
  ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(recorder.files.Latest()));
  EXPECT_EQ(latest.training_state.at("prior_member_best_epoch").toInt(), 0);
  ASSERT_OK_AND_ASSIGN(const LoadedModel best, LoadModel(recorder.files.Best(), torch::kCPU));
  EXPECT_THAT(ValuesOf(best.model->shares().detach()), testing::Each(FloatNear(1.0F / 3, 1e-6F)));
}

TEST_F(PriorMemberTest, DamagedStateIsRefusedByName) {
  options_.num_epochs = 2;
  Recorder recorder;
  ASSERT_THAT(Run("damaged", &recorder), IsOk());
  const std::string latest = recorder.files.Latest(), whole = *ReadFile(latest);
  const auto expect_refused = [&](const std::string& text, const std::string& key, const c10::IValue& value) {
    ASSERT_THAT(WriteFileAtomically(latest, whole), IsOk());
    ASSERT_OK_AND_ASSIGN(Checkpoint checkpoint, LoadCheckpoint(latest));
    checkpoint.training_state.insert_or_assign(key, value);
    ASSERT_THAT(SaveCheckpoint(latest, checkpoint), IsOk());
    Recorder resumed;
    EXPECT_THAT(Run("damaged", &resumed, /*resume=*/true),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", latest + ": " + text));
  };
  expect_refused("no integer 'prior_member_best_epoch' from 0 to 2", "prior_member_best_epoch", int64_t{3});
  expect_refused("no integer 'prior_member_rests' from 0 to 1", "prior_member_rests", int64_t{2});
  expect_refused("no number 'prior_member_lowest_mse' of 0 or more", "prior_member_lowest_mse", MakeNumber(-1));
  const std::string weights = "prior_member_best_weights";
  expect_refused("'prior_member_best_weights' is damaged", weights, torch::full({3}, NAN));
  expect_refused("'prior_member_best_weights' is of another model", weights, torch::zeros({3}));
}

}  // namespace
}  // namespace deepbindnet
