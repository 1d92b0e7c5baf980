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
  const torch::Tensor weights = torch::linalg_solve(kernel + 0.15 * torch::eye(6), rest);
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
  EXPECT_TRUE(torch::equal(fit.learned, torch::zeros({2, 3})));
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

// An entity that nothing was measured of is predicted by similarity alone.
TEST(KernelRegressionTest, LearnedIsOfMeasuredEntitiesAlone) {
  const torch::Tensor drugs = Similarity(5, 1), targets = Similarity(4, 2);
  const KernelFit fit = FitKernels(drugs, targets, Pairs({0, 0, 1, 1, 3, 3}, {0, 1, 0, 2, 1, 2}, {1, 2, -1, 0, 2, 1}));
  EXPECT_TRUE(torch::equal(fit.learned[2], fit.similar[2]));
  EXPECT_TRUE(torch::equal(fit.learned[4], fit.similar[4]));
  EXPECT_TRUE(torch::equal(fit.learned.select(1, 3), fit.similar.select(1, 3)));
  EXPECT_FALSE(torch::equal(fit.learned[0], fit.similar[0]));
  EXPECT_EQ(fit.drug_effect[2].item<float>(), 0);
  EXPECT_EQ(fit.target_effect[3].item<float>(), 0);
}

}  // namespace
}  // namespace deepbindnet
