#include "core/training/optimizer.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

torch::nn::Sequential Net() {
  torch::manual_seed(3);
  return torch::nn::Sequential(torch::nn::Linear(4, 8), torch::nn::Tanh(), torch::nn::Linear(8, 1));
}

torch::Tensor LossOf(torch::nn::Sequential& net, int step) {
  torch::manual_seed(100 + step);
  const torch::Tensor x = torch::randn({16, 4});
  return torch::mse_loss(net->forward(x).squeeze(1), x.sum(1));
}

void Learn(torch::nn::Sequential& net, Optimizer* optimizer, int steps) {
  for (int step = 0; step < steps; ++step) {
    optimizer->ZeroGrad();
    LossOf(net, step).backward();
    optimizer->Step(1e-2);
  }
}

TEST(OptimizerTest, EqualsLibTorchAdamW) {
  auto ours = Net(), theirs = Net();
  Optimizer optimizer(*ours, {0.1, 0.0, 0.0});
  // Weight decay on matrices only.
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (const torch::Tensor& parameter : theirs->parameters()) {
    groups.emplace_back(std::vector<torch::Tensor>{parameter},
                        std::make_unique<torch::optim::AdamWOptions>(
                            torch::optim::AdamWOptions(1e-2).weight_decay(parameter.dim() > 1 ? 0.1 : 0.0)));
  }
  torch::optim::AdamW reference(groups, torch::optim::AdamWOptions(1e-2));
  for (int step = 0; step < 20; ++step) {
    optimizer.ZeroGrad();
    LossOf(ours, step).backward();
    optimizer.Step(1e-2);
    reference.zero_grad();
    LossOf(theirs, step).backward();
    reference.step();
  }
  for (size_t i = 0; i < ours->parameters().size(); ++i) {
    EXPECT_LT((ours->parameters()[i] - theirs->parameters()[i]).abs().max().item<float>(), 1e-5F);
  }
}

TEST(OptimizerTest, DividesByTheLossScaleBeforeItClips) {
  auto plain = Net(), scaled = Net();
  Optimizer of_plain(*plain, {0.0, 0.5, 0.0}), of_scaled(*scaled, {0.0, 0.5, 0.0});
  of_plain.ZeroGrad();
  of_scaled.ZeroGrad();
  LossOf(plain, 0).backward();
  (LossOf(scaled, 0) * 1024).backward();
  EXPECT_NEAR(of_plain.Step(1e-2), of_scaled.Step(1e-2, 1024), 1e-5);
  EXPECT_TRUE(torch::allclose(plain->parameters()[0], scaled->parameters()[0]));
}

TEST(OptimizerTest, WhatIsDoneToTheSummedGradientCounts) {
  auto net = Net();
  const torch::Tensor before = net->parameters()[0].detach().clone();
  Optimizer optimizer(*net, {0.0, 0.0, 0.0});
  optimizer.ZeroGrad();
  LossOf(net, 0).backward();
  optimizer.SumGradients().zero_();
  EXPECT_EQ(optimizer.Step(1e-2), 0);
  EXPECT_TRUE(torch::equal(net->parameters()[0], before));
}

TEST(OptimizerTest, DecaysMatricesOnly) {
  auto net = Net();
  const torch::Tensor weight = net->parameters()[0].detach().clone(), bias = net->parameters()[1].detach().clone();
  Optimizer optimizer(*net, {0.5, 0.0, 0.0});
  optimizer.ZeroGrad();
  optimizer.Step(0.1);
  EXPECT_TRUE(torch::allclose(net->parameters()[0], weight * 0.95));
  EXPECT_TRUE(torch::equal(net->parameters()[1], bias));
}

TEST(OptimizerTest, ClipsTheWholeGradientAndReportsItsNorm) {
  auto net = Net();
  Optimizer optimizer(*net, {0.0, 1e-3, 0.0});
  LossOf(net, 0).backward();
  double squares = 0;
  for (const torch::Tensor& p : net->parameters()) squares += p.grad().pow(2).sum().item<double>();
  EXPECT_NEAR(optimizer.Step(1e-3), std::sqrt(squares), 1e-5);
  // After the first step the first moment is a tenth of the gradient that was taken.
  const torch::Tensor taken = *GetTensor(optimizer.State(), "first_moment") * 10;
  EXPECT_NEAR(taken.norm().item<double>(), 1e-3, 1e-6);
  EXPECT_TRUE(torch::allclose(taken, optimizer.SumGradients() * (1e-3 / std::sqrt(squares)), 1e-4, 1e-9))
      << "all of it by the same factor";
}

// Far more values than one thread updates at once, of matrices and vectors, with everything that a step does.
TEST(OptimizerTest, StepsFollowTheFormulaInDoublePrecision) {
  torch::manual_seed(7);
  constexpr double kLr = 1e-2, kDecay = 0.1, kClip = 0.5, kAverage = 0.15, kLossScale = 64;
  torch::nn::Linear net(400, 500);
  Optimizer optimizer(*net, {kDecay, kClip, kAverage});
  torch::Tensor weights = optimizer.weights().to(torch::kFloat64), average = weights.clone();
  torch::Tensor first = torch::zeros_like(weights), second = torch::zeros_like(weights);
  torch::Tensor decayed = torch::ones_like(weights);
  decayed.slice(0, 400 * 500).zero_();  // The bias stands behind the matrix.
  for (int step = 1; step <= 5; ++step) {
    optimizer.ZeroGrad();
    optimizer.SumGradients().copy_(torch::randn({400 * 500 + 500}) * (step == 3 ? 1e-4 : 1.0));  // One is not clipped.
    torch::Tensor gradient = optimizer.SumGradients().to(torch::kFloat64) / kLossScale;
    const double norm = gradient.norm().item<double>();
    ASSERT_EQ(norm > kClip, step != 3);
    if (norm > kClip) gradient *= kClip / norm;
    EXPECT_NEAR(optimizer.Step(kLr, kLossScale), norm, 1e-5 * norm);
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient * gradient;
    const torch::Tensor unbiased_first = first / (1 - std::pow(0.9, step));
    const torch::Tensor unbiased_second = second / (1 - std::pow(0.999, step));
    weights = weights - kLr * kDecay * decayed * weights - kLr * unbiased_first / (unbiased_second.sqrt() + 1e-8);
    const double kept = std::min(kAverage, (1.0 + step) / (10 + step));
    average = kept * average + (1 - kept) * weights;
    const TensorDict state = optimizer.State();
    EXPECT_TRUE(torch::allclose(GetTensor(state, "weights")->to(torch::kFloat64), weights, 1e-5, 1e-6)) << step;
    EXPECT_TRUE(torch::allclose(GetTensor(state, "average")->to(torch::kFloat64), average, 1e-5, 1e-6)) << step;
    EXPECT_TRUE(torch::allclose(GetTensor(state, "first_moment")->to(torch::kFloat64), first, 1e-4, 1e-9)) << step;
    EXPECT_TRUE(torch::allclose(GetTensor(state, "second_moment")->to(torch::kFloat64), second, 1e-4, 1e-12)) << step;
  }
}

TEST(OptimizerTest, TheNumberOfThreadsChangesNoBit) {
  const int before = at::get_num_threads();
  std::vector<torch::Tensor> weights;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    torch::manual_seed(7);
    torch::nn::Linear net(400, 500);
    Optimizer optimizer(*net, {});
    for (int step = 0; step < 3; ++step) {
      optimizer.ZeroGrad();
      optimizer.SumGradients().copy_(torch::randn({400 * 500 + 500}) * 1e-4);  // Too small to be clipped by its norm.
      optimizer.Step(1e-2);
    }
    weights.push_back(optimizer.weights().clone());
  }
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(weights[0], weights[1]));
  EXPECT_TRUE(torch::equal(weights[0], weights[2]));
}

TEST(OptimizerTest, NonFiniteGradientChangesNothing) {
  auto net = Net();
  Optimizer optimizer(*net, {});
  const torch::Tensor before = net->parameters()[0].detach().clone();
  (LossOf(net, 0) * std::numeric_limits<float>::infinity()).backward();
  EXPECT_FALSE(std::isfinite(optimizer.Step(1e-2)));
  EXPECT_TRUE(torch::equal(net->parameters()[0], before));
  EXPECT_EQ(optimizer.steps(), 0);
}

TEST(OptimizerTest, ValuesThatAreSetAreThoseOfTheAverageToo) {
  auto net = Net();
  Optimizer optimizer(*net, {0.0, 0.0, 0.9});
  Learn(net, &optimizer, 3);
  const torch::Tensor before = optimizer.weights().clone(), values = torch::tensor({1.0F, 2.0F, 3.0F});
  optimizer.Set({2, 5}, values);
  EXPECT_TRUE(torch::equal(optimizer.weights().slice(0, 2, 5), values));
  EXPECT_TRUE(torch::equal(optimizer.weights().slice(0, 0, 2), before.slice(0, 0, 2)));
  EXPECT_TRUE(torch::equal(optimizer.weights().slice(0, 5), before.slice(0, 5)));
  const Optimizer::AveragedWeights averaged(&optimizer);
  EXPECT_TRUE(torch::equal(optimizer.weights().slice(0, 2, 5), values));
  EXPECT_FALSE(torch::equal(optimizer.weights().slice(0, 5), before.slice(0, 5)));
}

TEST(OptimizerTest, AveragedWeightsAreSwappedInAndOut) {
  auto net = Net();
  Optimizer optimizer(*net, {0.0, 0.0, 0.9});
  Learn(net, &optimizer, 5);
  const torch::Tensor raw = net->parameters()[0].detach().clone();
  {
    const Optimizer::AveragedWeights averaged(&optimizer);
    EXPECT_FALSE(torch::equal(net->parameters()[0], raw));
  }
  EXPECT_TRUE(torch::equal(net->parameters()[0], raw));
}

TEST(OptimizerTest, AverageFollowsItsFormula) {
  auto net = Net();
  Optimizer optimizer(*net, {0.0, 0.0, 0.25});
  torch::Tensor expected = net->parameters()[0].detach().clone();
  const double decays[] = {2.0 / 11, 0.25, 0.25};  // min(decay, (1 + t) / (10 + t)): 2/11, 3/12, 4/13
  for (int step = 0; step < 3; ++step) {
    optimizer.ZeroGrad();
    LossOf(net, step).backward();
    optimizer.Step(1e-2);
    expected = decays[step] * expected + (1 - decays[step]) * net->parameters()[0].detach();
  }
  const Optimizer::AveragedWeights averaged(&optimizer);
  EXPECT_TRUE(torch::allclose(net->parameters()[0], expected, 1e-5, 1e-7));
}

TEST(OptimizerTest, RestoredStateGoesOnBitForBit) {
  const auto train = [](torch::nn::Sequential& net, Optimizer& optimizer, int from, int to) {
    for (int step = from; step < to; ++step) {
      optimizer.ZeroGrad();
      LossOf(net, step).backward();
      optimizer.Step(1e-2);
    }
  };
  auto whole = Net(), first = Net(), second = Net();
  Optimizer whole_optimizer(*whole, {}), first_optimizer(*first, {}), second_optimizer(*second, {});
  train(whole, whole_optimizer, 0, 10);
  train(first, first_optimizer, 0, 4);
  ASSERT_TRUE(second_optimizer.LoadState(first_optimizer.State()).ok());
  train(second, second_optimizer, 4, 10);
  for (size_t i = 0; i < whole->parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(whole->parameters()[i], second->parameters()[i]));
  }
}

TEST(OptimizerTest, ReplicasShareWeightsAndAddTheirGradients) {
  auto whole = Net(), first = Net(), second = Net();
  second->parameters()[0].data().zero_();  // The first one's values count.
  Optimizer reference(*whole, {}), optimizer({first.get(), second.get()}, {});
  for (int step = 0; step < 3; ++step) {
    reference.ZeroGrad();
    optimizer.ZeroGrad();
    (LossOf(whole, step) + LossOf(whole, 50 + step)).backward();
    LossOf(first, step).backward();
    LossOf(second, 50 + step).backward();
    EXPECT_NEAR(optimizer.Step(1e-2), reference.Step(1e-2), 1e-4);
  }
  for (size_t i = 0; i < whole->parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(first->parameters()[i], second->parameters()[i]));
    EXPECT_TRUE(torch::allclose(first->parameters()[i], whole->parameters()[i], 1e-4, 1e-6));
  }
}

struct Statistic : torch::nn::Module {
  Statistic()
      : weight(register_parameter("weight", torch::ones({2}))),
        mean(register_parameter("mean", torch::zeros({1}), /*requires_grad=*/false)) {}
  torch::Tensor weight, mean;
};

TEST(OptimizerTest, StatisticsAreSharedAndAveragedButNotMoved) {
  Statistic first, second;
  second.mean.fill_(7.0);
  Optimizer optimizer({&first, &second}, {0.1, 0.0, 0.9});
  EXPECT_EQ(second.mean.item<float>(), 0.0F) << "the first one's values count";
  first.mean.fill_(4.0);
  optimizer.Step(1e-2);
  EXPECT_EQ(first.mean.item<float>(), 4.0F);
  EXPECT_EQ(second.mean.item<float>(), 4.0F);
  const Optimizer::AveragedWeights averaged(&optimizer);
  EXPECT_NEAR(first.mean.item<float>(), 4.0 * 9 / 11, 1e-5);
}

TEST(OptimizerTest, ClimbedWeightsStandFurtherAlongTheirGradientsAndComeBack) {
  auto net = Net();
  Optimizer optimizer(*net, {});
  optimizer.ZeroGrad();
  LossOf(net, 0).backward();
  const torch::Tensor before = optimizer.weights().clone(), gradient = optimizer.SumGradients().clone();
  const int64_t half = before.size(0) / 2, last = before.size(0) - 1;
  const double loss = LossOf(net, 0).item<double>();
  {
    const Optimizer::ClimbedWeights climbed(&optimizer, {{0, half}, {half, last}}, 0.01);
    const torch::Tensor way = optimizer.weights() - before;
    const torch::Tensor first = gradient.slice(0, 0, half), second = gradient.slice(0, half, last);
    EXPECT_TRUE(torch::allclose(way.slice(0, 0, half), first * (0.01 / first.norm()), 1e-3, 1e-7));
    EXPECT_TRUE(torch::allclose(way.slice(0, half, last), second * (0.01 / second.norm()), 1e-3, 1e-7));
    EXPECT_EQ(way[last].item<float>(), 0.0F) << "is in no part";
    EXPECT_GT(LossOf(net, 0).item<double>(), loss);
  }
  EXPECT_TRUE(torch::equal(optimizer.weights(), before));
  EXPECT_NEAR(LossOf(net, 0).item<double>(), loss, 1e-6);
}

TEST(OptimizerTest, WithoutAGradientThereIsNoWayUp) {
  auto net = Net();
  Optimizer optimizer(*net, {});
  optimizer.ZeroGrad();
  const torch::Tensor before = optimizer.weights().clone();
  const Optimizer::ClimbedWeights climbed(&optimizer, {{0, before.size(0)}}, 0.01);
  EXPECT_TRUE(torch::equal(optimizer.weights(), before));
}

class OptimizerStateTest : public testing::Test {
 protected:
  OptimizerStateTest() {
    LossOf(net_, 0).backward();
    optimizer_.Step(1e-2);
  }

  // Loads `state`, which must fail with `text` in the message and change nothing.
  void ExpectRefused(const TensorDict& state, const std::string& text) {
    auto fresh = Net();
    Optimizer loading(*fresh, {});
    const torch::Tensor before = fresh->parameters()[0].detach().clone();
    EXPECT_THAT(loading.LoadState(state), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", text));
    EXPECT_TRUE(torch::equal(fresh->parameters()[0], before)) << text;
    EXPECT_EQ(loading.steps(), 0) << text;
  }

  torch::nn::Sequential net_ = Net();
  Optimizer optimizer_{*net_, {}};
};

TEST_F(OptimizerStateTest, StateOfAnotherModelIsRefused) {
  torch::nn::Sequential other(torch::nn::Linear(2, 2));
  ExpectRefused(Optimizer(*other, {}).State(), "'weights' is damaged or of another model");
}

TEST_F(OptimizerStateTest, EveryDamagedEntryIsNamedAndNothingLoaded) {
  for (const std::string name : {"weights", "first_moment", "second_moment", "average"}) {
    TensorDict state = optimizer_.State();
    const torch::Tensor whole = *GetTensor(state, name);
    state.insert_or_assign(name, whole.to(torch::kFloat64));
    ExpectRefused(state, "'" + name + "' is damaged or of another model");
    state.insert_or_assign(name, whole.slice(0, 1));
    ExpectRefused(state, "'" + name + "' is damaged or of another model");
    state.insert_or_assign(name, torch::full_like(whole, NAN));
    ExpectRefused(state, "'" + name + "' is damaged or of another model");
    state.insert_or_assign(name, int64_t{1});
    ExpectRefused(state, "no tensor '" + name + "'");
  }
  TensorDict state = optimizer_.State();
  state.insert_or_assign("steps", int64_t{-1});
  ExpectRefused(state, "no integer 'steps' from 0");
  state.insert_or_assign("steps", 1.0);
  ExpectRefused(state, "no integer 'steps' from 0");
  ASSERT_EQ(state.erase("steps"), 1U);
  ExpectRefused(state, "no integer 'steps' from 0");
}

}  // namespace
}  // namespace deepbindnet
