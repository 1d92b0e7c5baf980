#include "core/training/replicas.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "core/training/optimizer.h"
#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

class ReplicasTest : public testing::Test {
 protected:
  ReplicasTest() {
    std::vector<float> z;
    for (int i = 0; i < 24; ++i) {
      data_.pairs.push_back({i % 5, i % 3});
      z.push_back(static_cast<float>(i % 7) - 3);
    }
    data_.z = torch::tensor(z);
    options_.model.hidden_dim = 32;  // Which the kernels take.
    options_.model.feature_dim = 8;
    options_.model.fusion_heads = 2;
    options_.model.dropout_rate = 0;
    options_.feature_dropout_rate = 0;
  }

  static std::vector<int64_t> Range(int64_t begin, int64_t end) {
    std::vector<int64_t> range;
    for (int64_t i = begin; i < end; ++i) range.push_back(i);
    return range;
  }

  // The gradient of one copy for the pairs `chosen`, all parameters in a row.
  std::vector<torch::Tensor> GradientOfOne(const std::vector<int64_t>& chosen, BatchResult* result) {
    Replicas one(data_, options_, torch::kCPU, c10::nullopt, 1);
    GiveRandomValues(*one.model());
    const Optimizer optimizer(one.modules(), {});
    *result = one.Backward(chosen, static_cast<int64_t>(chosen.size()), 1, false);
    return GradientOf(*one.model());
  }

  static std::vector<torch::Tensor> GradientOf(const torch::nn::Module& module) {
    std::vector<torch::Tensor> gradients;
    for (const torch::Tensor& parameter : module.parameters()) {
      if (parameter.requires_grad()) gradients.push_back(parameter.grad().clone());
    }
    return gradients;
  }

  const SyntheticEntities entities_{{4, 6, 5, 7, 3}, {20, 35, 50}};
  TrainingOptions options_;
  TrainingPairs data_{entities_.Table(options_.model.residues_per_token), {}, {}};
};

TEST_F(ReplicasTest, SharesAddUpToTheMeanLossAndItsGradient) {
  Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 2);
  GiveRandomValues(*replicas.model());
  const Optimizer optimizer(replicas.modules(), {});
  const BatchResult whole = replicas.Backward(Range(0, 21), 21, 1, false);
  BatchResult first, second;
  const auto a = GradientOfOne(Range(0, 11), &first), b = GradientOfOne(Range(11, 21), &second);
  EXPECT_NEAR(whole.loss.item<double>(), (11 * first.loss + 10 * second.loss).item<double>() / 21, 1e-5);
  EXPECT_TRUE(torch::allclose(whole.predicted, torch::cat({first.predicted, second.predicted}), 1e-4, 1e-5));
  const auto of_first = GradientOf(*replicas.modules()[0]), of_second = GradientOf(*replicas.modules()[1]);
  ASSERT_EQ(of_first.size(), a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(of_first[i] + of_second[i], (11 * a[i] + 10 * b[i]) / 21, 1e-3, 1e-5)) << i;
  }
}

// A model of two members, each of which learns what it would alone.
TEST_F(ReplicasTest, TheLossIsTheMeanOfTheMembersOwnLosses) {
  options_.model.members = 2;
  Replicas both(data_, options_, torch::kCPU, c10::nullopt, 1);
  GiveRandomValues(*both.model());
  const Optimizer optimizer(both.modules(), {});
  const BatchResult mean = both.Backward(Range(0, 24), 24, 1, false);
  options_.model.members = 1;
  torch::Tensor loss = torch::zeros({}, torch::kFloat64), predicted = torch::zeros({24});
  for (size_t m = 0; m < 2; ++m) {
    const AffinityNetwork member = both.model()->members()[m];
    Replicas alone(data_, options_, torch::kCPU, c10::nullopt, 1);
    const Optimizer of_alone(alone.modules(), {});
    const auto target = alone.model()->members()[0]->named_parameters();
    for (const auto& item : member->named_parameters()) {
      const torch::NoGradGuard no_grad;
      torch::Tensor(target[item.key()]).copy_(item.value());
    }
    const BatchResult result = alone.Backward(Range(0, 24), 24, 1, false);
    loss += result.loss / 2;
    predicted += result.predicted * both.model()->shares()[static_cast<int64_t>(m)];
    options_.model.similarity_prior = false;  // That of the first member alone.
    const auto expected = GradientOf(*alone.model()), actual = GradientOf(*member);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(torch::allclose(actual[i], expected[i] / 2, 1e-4, 1e-6)) << i;
    }
  }
  EXPECT_NEAR(mean.loss.item<double>(), loss.item<double>(), 1e-5 * loss.item<double>());
  EXPECT_TRUE(torch::allclose(mean.predicted, predicted, 1e-4, 1e-5));
}

TEST_F(ReplicasTest, MembersThatAreLeftOutHaveNoPartInAnything) {
  options_.model.members = 3;
  Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 2);
  GiveRandomValues(*replicas.model());
  Optimizer optimizer(replicas.modules(), {});
  const auto backward = [&](const std::vector<int64_t>& members) {
    optimizer.ZeroGrad();
    return replicas.Backward(Range(0, 24), 24, 1, true, members);
  };
  const auto gradient_of = [&](size_t member) {
    torch::Tensor sum = torch::zeros({});
    for (const torch::nn::Module* const copy : replicas.modules()) {
      const AffinityNetwork network = dynamic_cast<const AffinityModelImpl*>(copy)->members()[member];
      for (const torch::Tensor& gradient : GradientOf(*network)) sum = sum + gradient.abs().sum();
    }
    return sum.item<double>();
  };
  const BatchResult first = backward({0}), second = backward({1}), third = backward({2});
  const torch::Tensor before = replicas.TakeStatistics();
  const BatchResult two = backward({1, 2});
  EXPECT_EQ(gradient_of(0), 0);
  EXPECT_GT(gradient_of(1), 0);
  EXPECT_GT(gradient_of(2), 0);
  EXPECT_NEAR(two.loss.item<double>(), (second.loss + third.loss).item<double>() / 2, 1e-5);
  EXPECT_TRUE(torch::allclose(two.predicted, (second.predicted + third.predicted) / 2, 1e-4, 1e-5));
  EXPECT_EQ(two.gates.size(), 8U) << "two sides, members and replicas";
  const torch::Tensor seen = replicas.TakeStatistics();
  ASSERT_EQ(seen.sizes(), before.sizes());
  const int64_t of_member = seen.size(0) / 3;
  EXPECT_EQ(seen.slice(0, 0, of_member).abs().sum().item<double>(), 0);
  EXPECT_TRUE(torch::allclose(seen.slice(0, of_member), before.slice(0, of_member), 1e-4, 1e-4));
}

TEST_F(ReplicasTest, TwoReplicasComputeWhatOneDoes) {
  Replicas one(data_, options_, torch::kCPU, c10::nullopt, 1), two(data_, options_, torch::kCPU, c10::nullopt, 2);
  GiveRandomValues(*one.model());
  GiveRandomValues(*two.model());
  Optimizer of_one(one.modules(), {}), of_two(two.modules(), {});
  torch::Tensor before = StatisticsOf(*one.model());
  int64_t steps = 0;
  // The last batch leaves the second replica without pairs.
  for (const auto& chosen : {Range(0, 21), Range(3, 24), Range(5, 6)}) {
    of_one.ZeroGrad();
    of_two.ZeroGrad();
    const auto count = static_cast<int64_t>(chosen.size());
    const BatchResult a = one.Backward(chosen, count, 1, false), b = two.Backward(chosen, count, 1, false);
    CommitStatistics(one.model(), one.TakeStatistics(), steps);
    CommitStatistics(two.model(), two.TakeStatistics(), steps);
    ++steps;
    EXPECT_NEAR(a.loss.item<double>(), b.loss.item<double>(), 1e-5 * a.loss.item<double>());
    EXPECT_TRUE(torch::allclose(a.predicted, b.predicted, 1e-4, 1e-5));
    const auto whole = GradientOf(*one.model());
    const auto first = GradientOf(*two.modules()[0]), second = GradientOf(*two.modules()[1]);
    for (size_t i = 0; i < whole.size(); ++i) {
      const double off = (first[i] + second[i] - whole[i]).norm().item<double>();
      EXPECT_LE(off, 1e-3 * whole[i].norm().item<double>() + 1e-5) << i;
    }
    const torch::Tensor statistics = StatisticsOf(*one.model());
    EXPECT_TRUE(torch::allclose(StatisticsOf(*two.modules()[0]), statistics, 1e-4, 1e-6));
    EXPECT_TRUE(torch::equal(StatisticsOf(*two.modules()[1]), StatisticsOf(*two.modules()[0])));
    EXPECT_FALSE(torch::equal(statistics, before)) << "every batch moves them";
    before = statistics;
  }
}

TEST_F(ReplicasTest, TheLossScaleMultipliesTheGradientAlone) {
  Replicas plain(data_, options_, torch::kCPU, c10::nullopt, 1), scaled(data_, options_, torch::kCPU, c10::nullopt, 1);
  GiveRandomValues(*plain.model());
  GiveRandomValues(*scaled.model());
  const Optimizer of_plain(plain.modules(), {}), of_scaled(scaled.modules(), {});
  const auto loss = plain.Backward(Range(0, 24), 24, 1, false).loss.item<double>();
  EXPECT_EQ(scaled.Backward(Range(0, 24), 24, 1024, false).loss.item<double>(), loss);
  const auto a = GradientOf(*plain.model()), b = GradientOf(*scaled.model());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i] * 1024, b[i], 1e-4, 1e-3)) << i;
}

TEST_F(ReplicasTest, APredictionInTrainingDoesNotDependOnItsBatch) {
  const auto first_of = [this](int64_t pairs) {
    Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 1);
    GiveRandomValues(*replicas.model());
    const Optimizer optimizer(replicas.modules(), {});
    replicas.Backward(Range(0, 24), 24, 1, false);
    CommitStatistics(replicas.model(), replicas.TakeStatistics(), 0);  // So that they are not as at the start.
    return replicas.Backward(Range(0, pairs), pairs, 1, false).predicted[0].item<double>();
  };
  EXPECT_NEAR(first_of(1), first_of(24), 1e-5);
}

TEST_F(ReplicasTest, AReplicaWithoutPairsAddsNothing) {
  Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 3);
  GiveRandomValues(*replicas.model());
  const Optimizer optimizer(replicas.modules(), {});
  const BatchResult result = replicas.Backward(Range(0, 1), 1, 1, false);
  EXPECT_EQ(result.predicted.size(0), 1);
  for (const torch::Tensor& gradient : GradientOf(*replicas.modules()[2])) {
    EXPECT_EQ(gradient.abs().sum().item<float>(), 0.0F);
  }
}

TEST_F(ReplicasTest, SeedAndRankDecideWhatDropoutDraws) {
  options_.model.dropout_rate = 0.5;
  const auto predict = [&](uint64_t seed, int rank) {
    Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 2);
    GiveRandomValues(*replicas.model());
    const Optimizer optimizer(replicas.modules(), {});
    replicas.Seed(seed, rank);
    return replicas.Backward(Range(0, 24), 24, 1, false).predicted;
  };
  EXPECT_TRUE(torch::equal(predict(1, 0), predict(1, 0)));
  EXPECT_FALSE(torch::equal(predict(1, 0), predict(2, 0)));
  EXPECT_FALSE(torch::equal(predict(1, 0), predict(1, 1)));
}

TEST_F(ReplicasTest, ReplicasDrawDifferently) {
  options_.model.dropout_rate = 0.5;
  Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 2);
  GiveRandomValues(*replicas.model());
  const Optimizer optimizer(replicas.modules(), {});
  const torch::Tensor predicted = replicas.Backward({0, 1, 0, 1}, 4, 1, false).predicted;
  EXPECT_FALSE(torch::equal(predicted.slice(0, 0, 2), predicted.slice(0, 2, 4)));
}

TEST_F(ReplicasTest, LooksAtTheGatesOfAllShares) {
  Replicas replicas(data_, options_, torch::kCPU, c10::nullopt, 2);
  GiveRandomValues(*replicas.model());
  const Optimizer optimizer(replicas.modules(), {});
  EXPECT_TRUE(replicas.Backward(Range(0, 24), 24, 1, false).gates.empty());
  EXPECT_EQ(replicas.Backward(Range(0, 24), 24, 1, true).gates.size(), 4U) << "two sides a replica";
}

TEST(CountReplicasTest, OneForEachThreadThatHasEnoughPairs) {
  const int before = at::get_num_threads();
  at::set_num_threads(4);
  EXPECT_EQ(CountReplicas(torch::kCPU, 256), 4);
  EXPECT_EQ(CountReplicas(torch::kCPU, 64), 2);
  EXPECT_EQ(CountReplicas(torch::kCPU, 1), 1);
  EXPECT_EQ(CountReplicas(torch::kCUDA, 256), 1);
  EXPECT_EQ(MostReplicas(256), 8);
  EXPECT_EQ(MostReplicas(1), 1);
  at::set_num_threads(before);
}

}  // namespace
}  // namespace deepbindnet
