#include "core/prior/similarity_prior.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <vector>

#include "core/prior/held_out.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

constexpr int kDrugs = 24, kTargets = 15;

// Most pairs of random molecules and proteins; the last of each are in none. A value is what its drug and target have,
// and a product of the two.
class SimilarityPriorTest : public ::testing::Test {
 protected:
  SimilarityPriorTest() {
    std::mt19937 random(3);
    for (int drug = 0; drug + 1 < kDrugs; ++drug) {
      for (int target = 0; target + 1 < kTargets; ++target) {
        if (random() % 4 == 0) continue;
        pairs_.push_back({drug, target});
        z_.push_back(static_cast<float>(drug % 5 - 2 + target % 3 - 1) / 3 + (drug % 4 == target % 4 ? 1.0F : 0.0F));
      }
    }
  }

  SimilarityPrior::Fitted Fit(SplitMethod split = SplitMethod::kRandom) const {
    return SimilarityPrior::Fit(entities_.Graphs(), entities_.Tokens(), pairs_, z_, split);
  }
  torch::Tensor Say(const SimilarityPrior& prior, const std::vector<PairIndex>& pairs) const {
    return prior.Predict(entities_.Graphs(), entities_.Tokens(), pairs);
  }

  const SyntheticEntities entities_{std::vector<int>(kDrugs, 9), std::vector<int>(kTargets, 40)};
  std::vector<PairIndex> pairs_;
  std::vector<float> z_;
};

TEST_F(SimilarityPriorTest, KnowsWhatItWasFittedTo) {
  const SimilarityPrior prior = Fit().prior;
  EXPECT_EQ(prior.known_molecules(), kDrugs - 1);
  EXPECT_EQ(prior.known_proteins(), kTargets - 1);
  const torch::Tensor said = Say(prior, pairs_).narrow(1, 0, kPriorSummands).sum(1), truth = torch::tensor(z_);
  EXPECT_LT((said - truth).square().mean().item<float>(), 0.2 * truth.var().item<float>());
}

TEST_F(SimilarityPriorTest, WhatIsHeldOutOfAFitDoesNotReachIt) {
  const torch::Tensor before = Fit().held_out;
  EXPECT_EQ(before.sizes(), (std::vector<int64_t>{static_cast<int64_t>(pairs_.size()), kPriorChannels}));
  std::vector<int64_t> fold;  // That pair 7 is held out of.
  for (const Fold& some : MakeFolds(SplitMethod::kRandom, pairs_)) {
    if (std::count(some.held_out.begin(), some.held_out.end(), 7) > 0) fold = some.held_out;
  }
  z_[7] += 5;
  const torch::Tensor after = Fit().held_out, changed = (after != before).any(1);
  for (const int64_t pair : fold) EXPECT_FALSE(changed[pair].item<bool>()) << pair;
  EXPECT_EQ(changed.sum().item<int64_t>(), static_cast<int64_t>(pairs_.size() - fold.size())) << "all others";
}

TEST_F(SimilarityPriorTest, AValueThatIsNotFiniteCountsForNothing) {
  z_[7] = INFINITY;
  const SimilarityPrior::Fitted fitted = Fit();
  EXPECT_TRUE(torch::isfinite(fitted.held_out).all().item<bool>());
  EXPECT_TRUE(torch::isfinite(Say(fitted.prior, pairs_)).all().item<bool>());
}

TEST_F(SimilarityPriorTest, MoreThreadsChangeNoMoreThanRounding) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const SimilarityPrior::Fitted one = Fit();
  at::set_num_threads(3);
  const SimilarityPrior::Fitted three = Fit();
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::allclose(one.held_out, three.held_out, 1e-3, 1e-4));
  EXPECT_TRUE(torch::allclose(Say(one.prior, pairs_), Say(three.prior, pairs_), 1e-3, 1e-4));
}

TEST_F(SimilarityPriorTest, AFitThatIsToldToStopSolvesNothing) {
  const std::atomic<bool> stop(true);
  const SimilarityPrior::Fitted stopped =
      SimilarityPrior::Fit(entities_.Graphs(), entities_.Tokens(), pairs_, z_, SplitMethod::kRandom, kMostWork, &stop);
  EXPECT_EQ(stopped.held_out.select(1, 1).abs().max().item<float>(), 0.0F);
  EXPECT_GT(Fit().held_out.select(1, 1).abs().max().item<float>(), 0.1F);
}

TEST_F(SimilarityPriorTest, HeldOutDrugsHaveSimilaritiesAlone) {
  const torch::Tensor by_pair = Fit().held_out, by_drug = Fit(SplitMethod::kColdDrug).held_out;
  EXPECT_GT((by_pair != 0).to(torch::kFloat32).mean(0).min().item<float>(), 0.9);
  EXPECT_EQ(by_drug.slice(1, 1).abs().max().item<float>(), 0);
}

TEST_F(SimilarityPriorTest, AnUnknownEntityIsPredictedBySimilarityAlone) {
  const SimilarityPrior prior = Fit().prior;
  const torch::Tensor said = Say(prior, {{kDrugs - 1, 0}, {0, kTargets - 1}, {kDrugs - 1, kTargets - 1}, {0, 0}});
  EXPECT_EQ(said.slice(0, 0, 3).slice(1, 1).abs().max().item<float>(), 0);
  EXPECT_NE(said[3][1].item<float>(), 0);

  // One atom more, and it is nearly as the known one it is made of.
  SyntheticEntities more = entities_;
  more.graphs.push_back(more.graphs[2]);
  more.graphs.back().environments[0] ^= 1;
  const torch::Tensor alike = prior.Predict(more.Graphs(), more.Tokens(), {{2, 0}, {kDrugs, 0}, {kDrugs - 1, 0}});
  EXPECT_LT((alike[0][0] - alike[1][0]).abs().item<float>(), (alike[0][0] - alike[2][0]).abs().item<float>());
}

TEST_F(SimilarityPriorTest, EqualEntitiesAreOne) {
  SyntheticEntities twins = entities_;
  twins.graphs.push_back(twins.graphs[1]);
  twins.tokens.push_back(twins.tokens[2]);
  const SimilarityPrior prior = Fit().prior;
  const torch::Tensor said = prior.Predict(twins.Graphs(), twins.Tokens(), {{1, 2}, {kDrugs, kTargets}});
  EXPECT_TRUE(torch::equal(said[0], said[1]));

  std::vector<PairIndex> pairs = pairs_;
  pairs.push_back({kDrugs, kTargets});
  std::vector<float> z = z_;
  z.push_back(0);
  const auto fitted = SimilarityPrior::Fit(twins.Graphs(), twins.Tokens(), pairs, z, SplitMethod::kRandom);
  EXPECT_EQ(fitted.prior.known_molecules(), kDrugs - 1);
  EXPECT_EQ(fitted.prior.known_proteins(), kTargets - 1);
}

TEST_F(SimilarityPriorTest, AnAnswerDependsOnItsOwnPairAlone) {
  const SimilarityPrior prior = Fit().prior;
  std::vector<PairIndex> all;
  for (int target = 0; target < kTargets; ++target) {
    for (int drug = 0; drug < kDrugs; ++drug) all.push_back({drug, target});
  }
  const torch::Tensor together = Say(prior, all);
  for (size_t i = 0; i < all.size(); i += 17) {
    EXPECT_TRUE(torch::allclose(Say(prior, {all[i]})[0], together[static_cast<int64_t>(i)], 1e-5, 1e-6));
  }
}

// Where a fit to all would take too long, it is one to those with most pairs; what it has not seen is predicted as of
// any other molecule.
TEST_F(SimilarityPriorTest, FitsThoseWithMostPairsWhereThereAreTooMany) {
  const int64_t room = int64_t{10} * 10 * 20;
  const auto fitted =
      SimilarityPrior::Fit(entities_.Graphs(), entities_.Tokens(), pairs_, z_, SplitMethod::kRandom, room);
  EXPECT_EQ(fitted.prior.known_molecules(), 10);
  EXPECT_EQ(fitted.prior.known_proteins(), 10);
  std::vector<int> of_drug(kDrugs);
  for (const PairIndex& pair : pairs_) ++of_drug[pair.drug];
  const torch::Tensor said = Say(fitted.prior, pairs_), learned = said.select(1, 1) != 0;
  std::vector<bool> known(kDrugs);
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (learned[row].item<bool>()) {
      known[pairs_[i].drug] = true;
    } else {
      EXPECT_TRUE(torch::allclose(fitted.held_out[row], said[row], 1e-5, 1e-6));
    }
  }
  EXPECT_EQ(std::count(known.begin(), known.end(), true), 10);
  for (int drug = 0; drug < kDrugs; ++drug) {
    for (int other = 0; other < kDrugs; ++other) {
      EXPECT_TRUE(!known[drug] || known[other] || of_drug[drug] >= of_drug[other]);
    }
  }
}

}  // namespace
}  // namespace deepbindnet
