#include "core/model/predict_pairs.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

// Molecules and proteins of which only the sizes count.
class Sizes {
 public:
  Sizes(const std::vector<size_t>& atoms, const std::vector<size_t>& residues) {
    for (const size_t count : atoms) graphs_.emplace_back().atom_features.resize(count * kAtomFeatures);
    for (const size_t count : residues) tokens_.emplace_back(count, 1);
    for (const MolecularGraph& graph : graphs_) molecules.push_back(&graph);
    for (const auto& sequence : tokens_) proteins.push_back(&sequence);
  }

  std::vector<size_t> Ends(const std::vector<PairIndex>& pairs) const {
    std::vector<size_t> ends;
    for (size_t end = 0; end < pairs.size();) ends.push_back(end = EndOfBatch(molecules, proteins, pairs, end));
    return ends;
  }

  bool Fits(const std::vector<PairIndex>& pairs, size_t begin, size_t end) const {
    std::set<int32_t> distinct;
    int64_t residues = 0, pair_residues = 0, pair_atoms = 0;
    for (size_t i = begin; i < end; ++i) {
      const auto length = static_cast<int64_t>(proteins[pairs[i].target]->size());
      if (distinct.insert(pairs[i].target).second) residues += length;
      pair_residues += length;
      pair_atoms += molecules[pairs[i].drug]->atoms();
    }
    return end - begin <= kBatchPairs && residues <= kBatchResidues && pair_residues <= kBatchPairResidues &&
           pair_atoms <= kBatchPairAtoms;
  }

  std::vector<const MolecularGraph*> molecules;
  std::vector<const std::vector<uint8_t>*> proteins;

 private:
  std::vector<MolecularGraph> graphs_;
  std::vector<std::vector<uint8_t>> tokens_;
};

TEST(EndOfBatchTest, BatchesAreAsLargeAsTheBudgetsAllow) {
  std::mt19937 random(3);
  std::vector<size_t> atoms, residues;
  for (int i = 0; i < 50; ++i) atoms.push_back(i % 10 == 0 ? 900 : 1 + random() % 60);
  for (int i = 0; i < 400; ++i) residues.push_back(i % 2 == 0 ? 1 + random() % 10000 : 1 + random() % 300);
  const Sizes sizes(atoms, residues);
  std::vector<PairIndex> pairs;
  for (int target = 0; target < 400; ++target) {
    const auto count = static_cast<int>(target % 40 == 0 ? 700 : random() % 12);
    for (int i = 0; i < count; ++i) pairs.push_back({static_cast<int32_t>(random() % 50), target});
  }
  size_t begin = 0;
  for (const size_t end : sizes.Ends(pairs)) {
    EXPECT_TRUE(end == begin + 1 || sizes.Fits(pairs, begin, end)) << begin << " to " << end;
    EXPECT_FALSE(end < pairs.size() && sizes.Fits(pairs, begin, end + 1)) << begin << " to " << end;
    begin = end;
  }
  EXPECT_EQ(begin, pairs.size());
}

TEST(EndOfBatchTest, EachBudgetCuts) {
  const std::vector<PairIndex> one_protein(600, PairIndex{0, 0});
  EXPECT_EQ(Sizes({20}, {500}).Ends(one_protein), (std::vector<size_t>{512, 600})) << "pairs";
  EXPECT_EQ(Sizes({20}, {4096}).Ends(one_protein), (std::vector<size_t>{256, 512, 600})) << "residues of pairs";
  EXPECT_EQ(Sizes({256}, {500}).Ends(one_protein), (std::vector<size_t>{256, 512, 600})) << "atoms of pairs";
  const Sizes four({20}, {30000, 30000, 30000, 5000});
  EXPECT_EQ(four.Ends({{0, 0}, {0, 1}, {0, 2}, {0, 3}}), (std::vector<size_t>{2, 4})) << "residues of proteins";
}

TEST(EndOfBatchTest, OnePairAlwaysFits) {
  const Sizes sizes({70000, 5}, {70000, 100});
  EXPECT_EQ(sizes.Ends({{0, 0}, {0, 0}, {1, 0}, {1, 1}}), (std::vector<size_t>{1, 2, 3, 4}));
}

TEST(PredictPairsTest, ManyLongProteinsAreAnsweredLikeEachAlone) {
  const SyntheticEntities entities({6, 20}, std::vector<int>(10, 9000));
  std::vector<PairIndex> pairs;
  for (int target = 9; target >= 0; --target) {
    for (int drug = 0; drug < 2; ++drug) pairs.push_back({drug, target});
  }
  ModelOptions options;
  options.hidden_dim = 16;
  options.feature_dim = 16;
  torch::manual_seed(5);
  AffinityModel model(options);
  GiveRandomValues(*model);
  model->eval();
  const auto predict = [&](const std::vector<PairIndex>& some) {
    return PredictPairs(model, torch::kCPU, entities.Graphs(), entities.Tokens(), some);
  };
  std::vector<PairIndex> sorted = pairs;
  std::reverse(sorted.begin(), sorted.end());
  ASSERT_LT(EndOfBatch(entities.Graphs(), entities.Tokens(), sorted, 0), sorted.size()) << "more than one batch";
  const std::vector<double> together = predict(pairs);
  for (size_t i = 0; i < pairs.size(); ++i) EXPECT_NEAR(together[i], predict({pairs[i]})[0], 1e-5) << i;
}

TEST(PredictPairsTest, NoPairsHaveNoPredictions) {
  EXPECT_TRUE(PredictPairs(AffinityModel(ModelOptions{}), torch::kCPU, {}, {}, {}).empty());
}

}  // namespace
}  // namespace deepbindnet
