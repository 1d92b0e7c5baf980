#include "core/training/batch_trainer.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "core/model/mixed_precision.h"
#include "tests/support/half.h"
#include "tests/support/parameters.h"
#include "tests/support/status_matchers.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
#define DBN_ALLOCATE_CONST
#else
#define DBN_ALLOCATE_CONST const
#endif

// LibTorch's allocator of the CPU, which while this lives has no memory for a tensor of more than `limit` bytes.
class MemoryLimit : public c10::Allocator {
 public:
  explicit MemoryLimit(size_t limit) : limit_(limit), inner_(c10::GetCPUAllocator()) {
    c10::SetCPUAllocator(this, /*priority=*/100);
  }
  ~MemoryLimit() override { c10::SetCPUAllocator(inner_, /*priority=*/100); }

  c10::DataPtr allocate(size_t bytes) DBN_ALLOCATE_CONST override {
    size_t largest = largest_;
    while (bytes > largest && !largest_.compare_exchange_weak(largest, bytes)) {
    }
    TORCH_CHECK(bytes <= limit_, "DefaultCPUAllocator: can't allocate memory: you tried to allocate ", bytes, " bytes");
    return inner_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return inner_->raw_deleter(); }
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
#endif

  size_t largest() const { return largest_; }  // In bytes, asked for at once.

 private:
  const size_t limit_;
  c10::Allocator* const inner_;
  mutable std::atomic<size_t> largest_{0};
};

class BatchTrainerTest : public testing::Test {
 protected:
  BatchTrainerTest() {
    std::vector<float> z;
    for (int i = 0; i < kPairs; ++i) {
      data_.pairs.push_back({i % 5, i % 3});
      z.push_back(static_cast<float>(i % 7) - 3);
      all_.push_back(i);
    }
    data_.z = torch::tensor(z);
    options_.model.hidden_dim = 8;
    options_.model.feature_dim = 16;
    options_.model.fusion_heads = 2;
    options_.model.dropout_rate = 0;
    options_.feature_dropout_rate = 0;
    options_.sam_rho = 0;
    options_.batch_size = kPairs;
    RankPlace alone;
    ranks_ = *Ranks::Connect(alone, torch::kCPU);
  }

  BatchTrainer Make() { return BatchTrainer(data_, options_, torch::kCPU, c10::nullopt, 1, ranks_.get()); }

  // So many that what grows with them is larger than anything else.
  static constexpr int kPairs = 4096;

  const SyntheticEntities entities_{{4, 6, 5, 7, 3}, {20, 35, 50}};
  TrainingOptions options_;
  TrainingPairs data_{entities_.Table(options_.model.residues_per_token), {}, {}};
  std::vector<int64_t> all_;
  std::unique_ptr<Ranks> ranks_;
};

TEST_F(BatchTrainerTest, MemoryThatRunsOutHalvesTheMicroBatchAndNotTheStep) {
  BatchTrainer plenty = Make(), scarce = Make();
  GiveRandomValues(*plenty.model());
  GiveRandomValues(*scarce.model());
  size_t needed = 0;
  StepOutcome whole;
  {
    const MemoryLimit no_limit(size_t{1} << 40);
    ASSERT_OK_AND_ASSIGN(whole, plenty.Step(all_, 1e-2, 1, false));
    needed = no_limit.largest();
  }
  EXPECT_EQ(whole.notice, "");
  const MemoryLimit limit(needed - 1);
  ASSERT_OK_AND_ASSIGN(const StepOutcome parts, scarce.Step(all_, 1e-2, 1, false));
  EXPECT_EQ(limit.largest(), needed) << "the whole batch was tried";
  EXPECT_THAT(parts.notice, HasSubstr("memory ran out: computing at most 2048 pairs at once"));
  EXPECT_NEAR(parts.loss, whole.loss, 1e-5);
  EXPECT_NEAR(parts.gradient_norm, whole.gradient_norm, 1e-4);
  EXPECT_TRUE(torch::allclose(parts.predicted, whole.predicted, 1e-4, 1e-5));
  // A gradient of nothing but rounding (that of a key's bias) has any sign, and Adam steps by the sign.
  const torch::Tensor of_whole = *GetTensor(plenty.State(), "first_moment");
  const torch::Tensor of_parts = *GetTensor(scarce.State(), "first_moment");
  EXPECT_TRUE(torch::allclose(of_whole, of_parts, 1e-3, 1e-6));
  const torch::Tensor counts = of_whole.abs() > 1e-6;
  EXPECT_GT(counts.sum().item<int64_t>(), 1000);
  EXPECT_TRUE(torch::allclose(plenty.optimizer()->weights().masked_select(counts),
                              scarce.optimizer()->weights().masked_select(counts), 1e-3, 1e-4));
  ASSERT_OK_AND_ASSIGN(const StepOutcome next, scarce.Step(all_, 1e-2, 2, false));
  EXPECT_EQ(next.notice, "") << "the smaller micro-batch stays";
}

TEST_F(BatchTrainerTest, WithSamTheGradientIsThatOfTheClimbedWeights) {
  constexpr double kRho = 0.5;
  const std::vector<int64_t> chosen(all_.begin(), all_.begin() + 60);
  options_.clip_norm = 0;
  options_.sam_rho = kRho;
  BatchTrainer with = Make();
  options_.sam_rho = 0;
  BatchTrainer here = Make(), above = Make();
  for (BatchTrainer* trainer : {&with, &here, &above}) GiveRandomValues(*trainer->model());
  const auto gradient_of = [&](BatchTrainer* trainer, StepOutcome* outcome) {
    auto stepped = trainer->Step(chosen, 1e-3, 1, false);
    EXPECT_THAT(stepped, IsOk());
    *outcome = *std::move(stepped);
    return *GetTensor(trainer->State(), "first_moment") * 10;  // Of the first step; beta1 is 0.9.
  };
  StepOutcome outcome, of_here, of_above;
  const torch::Tensor gradient = gradient_of(&here, &of_here);
  above.optimizer()->weights().add_(gradient, kRho / gradient.norm().item<double>());
  const torch::Tensor expected = gradient_of(&above, &of_above), actual = gradient_of(&with, &outcome);
  EXPECT_LT((actual - expected).norm().item<double>(), 1e-3 * expected.norm().item<double>());
  EXPECT_GT((actual - gradient).norm().item<double>(), 1e-2 * gradient.norm().item<double>());
  EXPECT_NEAR(outcome.loss, of_here.loss, 1e-6) << "what is reported is that of the weights themselves";
  EXPECT_TRUE(torch::equal(outcome.predicted, of_here.predicted));
  EXPECT_NEAR(outcome.gradient_norm, of_above.gradient_norm, 1e-3 * of_above.gradient_norm);
  const torch::Tensor statistics = StatisticsOf(*with.model());
  EXPECT_TRUE(torch::allclose(statistics, StatisticsOf(*above.model()), 1e-3, 1e-4)) << "those of the climbed weights";
  EXPECT_FALSE(torch::allclose(statistics, StatisticsOf(*here.model()), 1e-3, 1e-4));
}

TEST_F(BatchTrainerTest, AMemberWhoseRateIsZeroRests) {
  options_.model.members = 2;
  BatchTrainer trainer = Make();
  const auto trainable = [&](size_t member) {
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& parameter : trainer.model()->members()[member]->parameters()) {
      if (parameter.requires_grad()) flat.push_back(parameter.detach().clone().view({-1}));
    }
    return torch::cat(flat);
  };
  const torch::Tensor first = trainable(0), second = trainable(1);
  const torch::Tensor statistics = StatisticsOf(*trainer.model()->members()[0]);
  ASSERT_THAT(trainer.Step(all_, std::vector<double>{0, 1e-2}, 1, false), IsOk());
  EXPECT_TRUE(torch::equal(trainable(0), first));
  EXPECT_TRUE(torch::equal(StatisticsOf(*trainer.model()->members()[0]), statistics));
  EXPECT_FALSE(torch::equal(trainable(1), second));
}

TEST_F(BatchTrainerTest, OnePairThatDoesNotFitSaysWhatToLower) {
  BatchTrainer trainer = Make();
  size_t needed = 0;
  {
    const MemoryLimit no_limit(size_t{1} << 40);
    ASSERT_THAT(trainer.Step({0}, 1e-2, 1, false), IsOk());
    needed = no_limit.largest();
  }
  const torch::Tensor before = trainer.optimizer()->weights().clone();
  {
    const MemoryLimit limit(needed - 1);
    EXPECT_THAT(trainer.Step({0, 1, 2, 3}, 1e-2, 1, false),
                IsError(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "lower hidden_dim, feature_dim"));
  }
  EXPECT_TRUE(torch::equal(trainer.optimizer()->weights(), before));
}

TEST_F(BatchTrainerTest, GoesOnFromItsStateBitForBit) {
  options_.model.dropout_rate = 0.2;
  BatchTrainer whole = Make(), first = Make(), second = Make();
  for (int step = 0; step < 4; ++step) ASSERT_THAT(whole.Step(all_, 1e-2, step, false), IsOk());
  for (int step = 0; step < 2; ++step) ASSERT_THAT(first.Step(all_, 1e-2, step, false), IsOk());
  ASSERT_THAT(second.LoadState(first.State()), IsOk());
  for (int step = 2; step < 4; ++step) ASSERT_THAT(second.Step(all_, 1e-2, step, false), IsOk());
  EXPECT_TRUE(torch::equal(whole.optimizer()->weights(), second.optimizer()->weights()));
}

TEST_F(BatchTrainerTest, AStepThatIsNotFiniteChangesNothing) {
  data_.z[5] = INFINITY;
  BatchTrainer trainer = Make();
  const torch::Tensor before = trainer.optimizer()->weights().clone();
  ASSERT_OK_AND_ASSIGN(const StepOutcome outcome, trainer.Step(all_, 1e-2, 1, false));
  EXPECT_FALSE(outcome.finite);
  EXPECT_TRUE(torch::equal(trainer.optimizer()->weights(), before));
  EXPECT_EQ(trainer.optimizer()->steps(), 0);
}

TEST(ChooseHalfTest, IsWhatTheDeviceMultiplies) {
  TrainingOptions options;
  options.mixed_precision = false;
  EXPECT_EQ(*ChooseHalf(options, torch::kCPU), c10::nullopt);
  options.mixed_precision = true;
  EXPECT_EQ(*ChooseHalf(options, torch::kCPU), Bf16If(SupportsBf16(torch::kCPU)));
  options.half_type = HalfType::kFp16;
  EXPECT_THAT(ChooseHalf(options, torch::kCPU), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                                                        "half_type: fp16 is not what cpu multiplies"));
}

TEST(LossScalerTest, HalvesAtAnOverflowAndDoublesAfterEnoughGoodSteps) {
  LossScaler scaler;
  EXPECT_TRUE(scaler.Update(false));
  EXPECT_EQ(scaler.scale, LossScaler::kFirst / 2);
  for (int64_t step = 0; step < LossScaler::kStepsToGrow - 1; ++step) EXPECT_TRUE(scaler.Update(true));
  EXPECT_EQ(scaler.scale, LossScaler::kFirst / 2);
  EXPECT_TRUE(scaler.Update(true));
  EXPECT_EQ(scaler.scale, LossScaler::kFirst);
  EXPECT_EQ(scaler.good_steps, 0);
}

TEST(LossScalerTest, GivesUpBelowOne) {
  LossScaler scaler;
  int halvings = 0;
  while (scaler.Update(false)) ++halvings;
  EXPECT_EQ(halvings, 16) << "from 65536 to 1";
}

}  // namespace
}  // namespace deepbindnet
