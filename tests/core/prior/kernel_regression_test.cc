#include "core/prior/kernel_regression.h"

#include <gtest/gtest.h>

#include <vector>

namespace deepbindnet {
namespace {

MeasuredPairs Pairs(const std::vector<int64_t>& drug, const std::vector<int64_t>& target,
                    const std::vector<float>& value) {
  return {torch::tensor(drug, torch::kInt64), torch::tensor(target, torch::kInt64),
          torch::tensor(value, torch::kFloat32)};
}

// Similarities of points that lie about in a few dimensions.
torch::Tensor Similarity(int64_t entities, int64_t seed) {
  torch::manual_seed(seed);
  const torch::Tensor points = torch::randn({entities, 4});
  return (-0.3 * torch::cdist(points, points).square()).exp();
}

double Mse(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).square().mean().item<double>(); }

// What the equations of a Gaussian process say, solved at once.
TEST(KernelRegressionTest, IsTheMeanOfAGaussianProcess) {
  const torch::Tensor drugs = Similarity(4, 1), targets = Similarity(3, 2);
  const MeasuredPairs pairs = Pairs({0, 0, 1, 2, 3, 3}, {0, 2, 1, 0, 1, 2}, {1.0F, -0.5F, 0.3F, 0.8F, -1.2F, 0.1F});
  const KernelFit fit = FitKernels(drugs, targets, pairs);
  const torch::Tensor effects = fit.mean + fit.drug_effect.unsqueeze(1) + fit.target_effect;
  const torch::Tensor kernel = drugs.index({pairs.drug}).index({torch::indexing::Slice(), pairs.drug}) *
                               targets.index({pairs.target}).index({torch::indexing::Slice(), pairs.target});
  const torch::Tensor rest = pairs.value - effects.index({pairs.drug, pairs.target});
  const torch::Tensor weights = torch::linalg_solve(kernel + 0.07 * torch::eye(6), rest);
  const torch::Tensor dual = torch::zeros({4, 3}).index_put_({pairs.drug, pairs.target}, weights);
  EXPECT_LT(Mse(fit.dual, dual), 1e-4);
  EXPECT_LT(Mse(fit.similar, effects + drugs.mm(dual).mm(targets)), 1e-4);
  EXPECT_TRUE(torch::allclose(fit.similar, effects + drugs.mm(fit.dual).mm(targets), 1e-4, 1e-5));
}

// Each effect is the mean of what is left, as if two pairs more had none.
TEST(KernelRegressionTest, MainEffectsAreShrunkMeans) {
  const KernelFit fit = FitKernels(torch::eye(2), torch::eye(2), Pairs({0, 0, 1, 1}, {0, 1, 0, 1}, {2, 2, 0, 0}));
  EXPECT_NEAR(fit.mean, 1, 1e-6);
  EXPECT_TRUE(torch::allclose(fit.drug_effect, torch::tensor({0.5F, -0.5F}), 1e-3, 1e-3));
  EXPECT_TRUE(torch::allclose(fit.target_effect, torch::zeros({2}), 1e-3, 1e-3));
}

TEST(KernelRegressionTest, OfRepeatedPairsTheMeanCounts) {
  const torch::Tensor drugs = Similarity(3, 1), targets = Similarity(3, 2);
  const KernelFit once = FitKernels(drugs, targets, Pairs({0, 1, 2}, {0, 1, 2}, {2, -1, 0.5}));
  const KernelFit often = FitKernels(drugs, targets, Pairs({0, 1, 0, 2}, {0, 1, 0, 2}, {1, -1, 3, 0.5}));
  EXPECT_TRUE(torch::allclose(once.learned, often.learned, 1e-4, 1e-5));
}

TEST(KernelRegressionTest, WithoutPairsItSaysNothing) {
  const KernelFit fit = FitKernels(torch::eye(2), torch::eye(3), Pairs({}, {}, {}));
  EXPECT_TRUE(torch::equal(fit.similar, torch::zeros({2, 3})));
  for (const torch::Tensor& said : {fit.learned, fit.near_targets, fit.near_drugs}) {
    EXPECT_TRUE(torch::equal(said, torch::zeros({2, 3})));
  }
  EXPECT_TRUE(torch::equal(fit.dual, torch::zeros({2, 3})));
}

// Affinities whose structure the similarities do not tell: it is to be learned from the pairs.
TEST(KernelRegressionTest, LearnsWhoIsAlikeFromThePairs) {
  torch::manual_seed(5);
  const int64_t drugs = 60, targets = 50;
  const torch::Tensor truth = torch::randn({drugs, 2}).mm(torch::randn({2, targets})) / 2;
  const torch::Tensor seen = torch::rand({drugs, targets}) < 0.6;
  const torch::Tensor places = seen.nonzero();
  const MeasuredPairs pairs{places.select(1, 0).contiguous(), places.select(1, 1).contiguous(),
                            truth.masked_select(seen)};
  const KernelFit fit = FitKernels(torch::eye(drugs), torch::eye(targets), pairs);
  const torch::Tensor hidden = seen.logical_not(), expected = truth.masked_select(hidden);
  const double similar = Mse(fit.similar.masked_select(hidden), expected);
  const double learned = Mse(fit.learned.masked_select(hidden), expected);
  EXPECT_LT(learned, 0.6 * similar) << similar;
}

// By far the most alike one decides; a pair's own value is not among those that count.
TEST(KernelRegressionTest, NearIsAWeightedMeanOfOthers) {
  const torch::Tensor drugs = Similarity(4, 1);
  torch::Tensor targets = torch::eye(4);  // The first two are alike, the others like none.
  targets[0][1] = targets[1][0] = 0.95F;
  const std::vector<int64_t> drug = {0, 0, 0, 1, 1, 2, 2, 3}, target = {1, 2, 3, 0, 3, 0, 2, 1};
  std::vector<float> value = {2, -1, 0, 1, -1, 0.5F, -0.5F, 1.5F};
  const KernelFit fit = FitKernels(drugs, targets, Pairs(drug, target, value));
  EXPECT_NEAR(fit.near_targets[0][0].item<float>(), 2, 0.05);
  EXPECT_NEAR(fit.near_targets[1][1].item<float>(), 1, 0.05);
  EXPECT_LT(fit.near_targets.max().item<float>(), 2.001F);

  // By the transposed matrix, drugs and targets change places.
  const KernelFit swapped = FitKernels(targets, drugs, Pairs(target, drug, value));
  EXPECT_TRUE(torch::allclose(swapped.near_drugs.t(), fit.near_targets, 1e-2, 1e-2));
  EXPECT_TRUE(torch::allclose(swapped.near_targets.t(), fit.near_drugs, 1e-2, 1e-2));
}

// Main effects and a linear fit smooth over what two relatives share alone.
TEST(KernelRegressionTest, NearSaysWhatFewRelativesAgreeOn) {
  torch::manual_seed(7);
  const int64_t drugs = 40, pairs_of_targets = 30;
  const torch::Tensor truth = (torch::rand({drugs, pairs_of_targets}) < 0.1).to(torch::kFloat32) * 3;
  const torch::Tensor twice = truth.repeat_interleave(2, 1), seen = torch::rand({drugs, 2 * pairs_of_targets}) < 0.8;
  const torch::Tensor targets = torch::eye(pairs_of_targets).repeat_interleave(2, 0).repeat_interleave(2, 1) * 0.3 +
                                torch::eye(2 * pairs_of_targets) * 0.7;
  const torch::Tensor places = seen.nonzero();
  const KernelFit fit =
      FitKernels(torch::eye(drugs), targets,
                 {places.select(1, 0).contiguous(), places.select(1, 1).contiguous(), twice.masked_select(seen)});
  const torch::Tensor twin_seen = seen.view({drugs, -1, 2}).flip(2).reshape({drugs, -1});
  const torch::Tensor hidden = seen.logical_not().logical_and(twin_seen), expected = twice.masked_select(hidden);
  EXPECT_LT(Mse(fit.near_targets.masked_select(hidden), expected),
            0.2 * Mse(fit.learned.masked_select(hidden), expected));
}

// An entity that nothing was measured of is predicted by similarity alone.
TEST(KernelRegressionTest, LearnedIsOfMeasuredEntitiesAlone) {
  const torch::Tensor drugs = Similarity(5, 1), targets = Similarity(4, 2);
  const KernelFit fit = FitKernels(drugs, targets, Pairs({0, 0, 1, 1, 3, 3}, {0, 1, 0, 2, 1, 2}, {1, 2, -1, 0, 2, 1}));
  EXPECT_TRUE(torch::equal(fit.learned[2], fit.similar[2]));
  EXPECT_TRUE(torch::equal(fit.learned[4], fit.similar[4]));
  EXPECT_TRUE(torch::equal(fit.learned.select(1, 3), fit.similar.select(1, 3)));
  EXPECT_FALSE(torch::equal(fit.learned[0], fit.similar[0]));
  for (const torch::Tensor& near : {fit.near_targets, fit.near_drugs}) {
    EXPECT_TRUE(torch::equal(near[2], fit.similar[2]));
    EXPECT_TRUE(torch::equal(near.select(1, 3), fit.similar.select(1, 3)));
    EXPECT_FALSE(torch::equal(near[0], fit.learned[0]));
  }
  EXPECT_EQ(fit.drug_effect[2].item<float>(), 0);
  EXPECT_EQ(fit.target_effect[3].item<float>(), 0);
}

}  // namespace
}  // namespace deepbindnet
