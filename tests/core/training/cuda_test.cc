// What only a GPU can show. Built where LibTorch has CUDA, and to be run on a machine with such a GPU.
#include <c10/cuda/CUDACachingAllocator.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "core/model/mixed_precision.h"
#include "core/model/predict_pairs.h"
#include "core/prior/similarity_prior.h"
#include "core/training/batch_trainer.h"
#include "core/training/optimizer.h"
#include "core/training/replicas.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

class CudaTest : public TrainerTest {
 protected:
  CudaTest() { options_.device = "cuda"; }
};

TEST_F(CudaTest, TrainsInEveryPrecision) {
  options_.num_epochs = 30;
  options_.lr = 1e-2;
  for (const auto& [name, mixed_precision, half_type] :
       {std::tuple("fp32", false, HalfType::kAuto), std::tuple("bf16", true, HalfType::kBf16),
        std::tuple("fp16", true, HalfType::kFp16)}) {
    SCOPED_TRACE(name);
    options_.mixed_precision = mixed_precision;
    options_.half_type = half_type;
    Recorder recorder;
    ASSERT_THAT(Run(name, &recorder), IsOk());
    EXPECT_LT(recorder.epochs.back().train_loss, 0.7 * recorder.epochs.front().train_loss);
    ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(recorder.files.Latest()));
    EXPECT_THAT(latest.training, HasSubstr(std::string("\"") + HalfTypeName(half_type).data() + "\""));
  }
}

TEST_F(CudaTest, ResumesWithinAnEpoch) {
  options_.num_epochs = 2;
  Recorder whole, first, second;
  ASSERT_THAT(Run("whole", &whole), IsOk());
  first.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2 && step.step == 1; };
  ASSERT_EQ(Run("parts", &first).status().code(), absl::StatusCode::kCancelled);
  stop_ = false;
  ASSERT_THAT(Run("parts", &second, /*resume=*/true), IsOk());
  ASSERT_EQ(second.epochs.size(), 2U);
  EXPECT_NEAR(second.epochs[1].val.rmse, whole.epochs[1].val.rmse, 1e-3) << "sums on a GPU have no fixed order";
}

TEST_F(CudaTest, PredictsAsTheCpuDoes) {
  Recorder recorder;
  ASSERT_THAT(Run("model", &recorder), IsOk());
  const ProcessedDataset data = MakeDataset();
  ASSERT_OK_AND_ASSIGN(const LoadedModel cpu, LoadModel(recorder.files.Best(), torch::kCPU));
  ASSERT_OK_AND_ASSIGN(const LoadedModel gpu, LoadModel(recorder.files.Best(), torch::kCUDA));
  const auto a = PredictAffinities(cpu.model, torch::kCPU, data, data.train, data.scaler);
  const auto b = PredictAffinities(gpu.model, torch::kCUDA, data, data.train, data.scaler);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-3) << i;
}

// Batches of ever more molecules and atoms, so that some are recorded anew, with weights that change between them.
TEST_F(CudaTest, RecordedBatchesEqualComputedOnes) {
  constexpr int kBatch = 24, kBatches = 12;
  const SyntheticEntities entities({4, 9, 30, 12, 60, 35, 20, 80}, {60, 500, 900, 200});
  TrainingPairs data{entities.Table(options_.model.residues_per_token, torch::kCUDA), {}, {}};
  for (int i = 0; i < kBatch * kBatches; ++i) data.pairs.push_back({i / kBatch * i % 8, i / kBatch * i % 3});
  data.z = torch::randn({kBatch * kBatches}, torch::kCUDA);
  data.prior = torch::randn({kBatch * kBatches, kPriorChannels}, torch::kCUDA);
  options_.model.members = 3;
  options_.model.dropout_rate = 0.5;
  options_.feature_dropout_rate = 0;  // What is drawn for a batch that is filled up is not what is drawn without.
  Replicas replicas(data, options_, torch::kCUDA, c10::nullopt, 1);
  Optimizer optimizer(replicas.modules(), {});
  std::vector<int64_t> members;
  torch::Tensor gradient, statistics;
  const auto compute = [&](const std::vector<int64_t>& chosen, uint64_t seed, bool by_operators) {
    optimizer.ZeroGrad();
    replicas.Seed(seed, /*rank=*/0);
    BatchResult result = replicas.Backward(chosen, kBatch, /*loss_scale=*/1, /*look_at_gates=*/by_operators, members);
    gradient = optimizer.SumGradients().clone();
    statistics = replicas.TakeStatistics();
    return result;
  };
  for (int batch = 0; batch < kBatches; ++batch) {
    SCOPED_TRACE(batch);
    if (batch == kBatches / 2) members = {1, 2};  // The first rests.
    std::vector<int64_t> chosen(kBatch);
    std::iota(chosen.begin(), chosen.end(), batch * kBatch);
    const BatchResult expected = compute(chosen, batch, /*by_operators=*/true);
    const torch::Tensor expected_gradient = gradient, expected_statistics = statistics;
    const BatchResult actual = compute(chosen, batch, /*by_operators=*/false);
    EXPECT_EQ(replicas.records(), batch >= 2);  // Three of its calls were computed first.
    EXPECT_NEAR(actual.loss.item<double>(), expected.loss.item<double>(), 1e-4);
    EXPECT_TRUE(torch::allclose(actual.predicted, expected.predicted, 1e-3, 1e-4));
    EXPECT_TRUE(torch::allclose(gradient, expected_gradient, 1e-2, 1e-4));
    EXPECT_TRUE(torch::allclose(statistics, expected_statistics, 1e-3, 1e-3));
    const BatchResult otherwise = compute(chosen, batch + 1000, /*by_operators=*/false);
    EXPECT_FALSE(torch::allclose(otherwise.predicted, expected.predicted, 1e-3, 1e-4)) << "dropout draws anew";
    optimizer.Step(1e-2, 1);
  }
}

TEST_F(CudaTest, MemoryThatRunsOutHalvesTheMicroBatch) {
  constexpr int kPairs = 16384;
  const SyntheticEntities entities({30, 40, 50, 60, 35}, {500, 800, 300});
  TrainingPairs pairs{
      entities.Table(options_.model.residues_per_token, torch::kCUDA), {}, torch::zeros({kPairs}, torch::kCUDA)};
  std::vector<int64_t> all;
  for (int i = 0; i < kPairs; ++i) {
    pairs.pairs.push_back({i % 5, i % 3});
    all.push_back(i);
  }
  options_.batch_size = kPairs;
  ASSERT_OK_AND_ASSIGN(const auto alone, Ranks::Connect(RankPlace(), torch::kCUDA));
  BatchTrainer trainer(pairs, options_, torch::kCUDA, c10::nullopt, 1, alone.get());
  ASSERT_OK_AND_ASSIGN(const StepOutcome whole, trainer.Step(all, 1e-3, 1, false));
  EXPECT_EQ(whole.notice, "");
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(0);
  const auto peak = static_cast<double>(stats.reserved_bytes[0].peak);
  c10::cuda::CUDACachingAllocator::emptyCache();
  size_t free_bytes = 0, total_bytes = 0;
  ASSERT_EQ(cudaMemGetInfo(&free_bytes, &total_bytes), cudaSuccess);
  c10::cuda::CUDACachingAllocator::setMemoryFraction(0.7 * peak / static_cast<double>(total_bytes), 0);
  const auto scarce = trainer.Step(all, 1e-3, 2, false);
  c10::cuda::CUDACachingAllocator::setMemoryFraction(1, 0);
  ASSERT_THAT(scarce, IsOk());
  EXPECT_THAT(scarce->notice, HasSubstr("memory ran out: computing at most"));
  EXPECT_TRUE(scarce->finite);
}

TEST(CudaHalfTest, IsWhatIsAskedForByName) {
  TrainingOptions options;
  EXPECT_EQ(*ChooseHalf(options, torch::kCUDA), c10::nullopt) << "fp32 is faster";
  options.half_type = HalfType::kFp16;
  EXPECT_EQ(*ChooseHalf(options, torch::kCUDA), torch::kHalf);
  options.half_type = HalfType::kBf16;
  EXPECT_EQ(ChooseHalf(options, torch::kCUDA).ok(), SupportsBf16(torch::kCUDA));
}

}  // namespace
}  // namespace deepbindnet
