#include "core/data/entity_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/chem/protein.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

using Rows = std::vector<int64_t>;

Rows ToVector(const torch::Tensor& x) { return {x.data_ptr<int64_t>(), x.data_ptr<int64_t>() + x.numel()}; }

// What RowRanges say of themselves holds.
void ExpectRanges(const RowRanges& ranges, const Rows& first, const Rows& count) {
  EXPECT_EQ(ToVector(ranges.first), first);
  EXPECT_EQ(ToVector(ranges.count), count);
  EXPECT_EQ(ranges.most, *std::max_element(count.begin(), count.end()));
  EXPECT_EQ(ranges.total, std::accumulate(count.begin(), count.end(), int64_t{0}));
}

TEST(EntityTableTest, HoldsDistinctEntitiesOnce) {
  const SyntheticEntities entities({5, 3, 9}, {40, 130});
  const PairBatch batch = entities.Batch({{2, 1}, {0, 1}, {2, 1}, {2, 0}});
  ExpectRanges(batch.molecules, {0, 9}, {9, 5});  // Molecule 1 is not used, 2 stands once.
  ExpectRanges(batch.proteins, {0, 11}, {9, 3});
  EXPECT_EQ(ToVector(batch.drug), (Rows{0, 1, 0, 0}));
  EXPECT_EQ(ToVector(batch.target), (Rows{0, 0, 0, 1}));
}

TEST(EntityTableTest, NeighborsFollowTheBonds) {
  SyntheticEntities entities({1, 2}, {16});
  entities.graphs[1].bond_features = {1, 0, 1, 4};  // code ((1 * 2 + 0) * 2 + 1) * 5 + 4
  const PairBatch batch = entities.Batch({{0, 0}, {1, 0}});
  EXPECT_EQ(batch.neighbors.size(1), 1);
  EXPECT_EQ(batch.neighbors[0][0].item<int64_t>(), 0) << "itself, a row that there is";
  EXPECT_EQ(batch.neighbor_bonds[0][0].item<int64_t>(), -1) << "a lone atom has no neighbour";
  EXPECT_EQ(batch.neighbors[1][0].item<int64_t>(), 2);
  EXPECT_EQ(batch.neighbors[2][0].item<int64_t>(), 1);
  EXPECT_EQ(batch.neighbor_bonds[1][0].item<int64_t>(), 29);
  EXPECT_EQ((batch.neighbor_bonds != -1).sum().item<int64_t>(), 2) << "rounded up rows have no bonds";
}

TEST(EntityTableTest, AtomColumnsPointIntoOneTable) {
  const SyntheticEntities entities({1}, {16});
  const PairBatch batch = entities.Batch({{0, 0}});
  int64_t offset = 0;
  for (int c = 0; c < kAtomFeatures; ++c) {
    EXPECT_EQ(batch.atom_features[0][c].item<int64_t>(), offset + entities.graphs[0].atom_features[c]);
    offset += kAtomFeatureSizes[c];
  }
}

TEST(EntityTableTest, EnvironmentsPointIntoOneTable) {
  const SyntheticEntities entities({3, 2}, {16});
  const PairBatch batch = entities.Batch({{0, 0}, {1, 0}});
  ASSERT_EQ(batch.environments.sizes(), (Rows{batch.atom_features.size(0), kEnvironmentRadii}));
  for (int a = 0; a < 5; ++a) {
    const MolecularGraph& graph = entities.graphs[a < 3 ? 0 : 1];
    for (int r = 0; r < kEnvironmentRadii; ++r) {
      EXPECT_EQ(batch.environments[a][r].item<int64_t>(),
                r * kEnvironmentCodes + graph.environments[(a < 3 ? a : a - 3) * kEnvironmentRadii + r]);
    }
  }
  EXPECT_TRUE((batch.environments.slice(0, 5) == -1).all().item<bool>()) << "unused rows";
}

TEST(EntityTableTest, TokensCoverEveryResidueAndStandApart) {
  const SyntheticEntities entities({2}, {1, 16, 17, 4128});
  const PairBatch batch = entities.Batch({{0, 0}, {0, 1}, {0, 2}, {0, 3}}, 16);
  ExpectRanges(batch.proteins, {0, 3, 6, 10}, {1, 1, 2, 258});  // Two empty tokens between proteins.
  EXPECT_EQ(batch.token_mask.sum().item<float>(), 1 + 1 + 2 + 258);
  EXPECT_EQ((batch.residues >= 0).sum().item<int64_t>(), 1 + 16 + 17 + 4128);
  EXPECT_EQ(batch.residues.sizes(), (Rows{batch.token_mask.size(0), 16}));
  for (int64_t p = 0; p < 4; ++p) {
    const int64_t first = batch.proteins.first[p].item<int64_t>(), count = batch.proteins.count[p].item<int64_t>();
    EXPECT_TRUE((batch.token_mask.narrow(0, first, count) == 1).all().item<bool>());
    EXPECT_EQ(batch.token_mask.narrow(0, first + count, 2).sum().item<float>(), 0.0F);
    const std::vector<uint8_t>& sequence = entities.tokens[p];
    const torch::Tensor residues = batch.residues.narrow(0, first, count).flatten();
    for (size_t i = 0; i < sequence.size(); ++i) {
      EXPECT_EQ(residues[static_cast<int64_t>(i)].item<int64_t>(), sequence[i]);
    }
    EXPECT_TRUE((residues.slice(0, static_cast<int64_t>(sequence.size())) == -1).all().item<bool>());
  }
}

TEST(EntityTableTest, ATripletIsAResidueBetweenItsNeighbours) {
  // A is 1, C is 2, D is 3, Y is 20; X and U are none of the standard residues.
  const std::vector<uint8_t> sequence = ParseSequence("ACDXUYA").value().tokens,
                             alone = ParseSequence("C").value().tokens;
  const MolecularGraph graph = SyntheticEntities({1}, {}).graphs[0];
  const PairBatch batch = EntityTable({&graph}, {&sequence, &alone}, 8, {}, torch::kCPU).Cut({{0, 0}, {0, 1}});
  const auto code = [](int64_t left, int64_t middle, int64_t right) { return (left * 22 + middle) * 22 + right; };
  ASSERT_EQ(batch.triplets.sizes(), batch.residues.sizes());
  EXPECT_EQ(ToVector(batch.triplets[0]), (Rows{code(0, 1, 2), code(1, 2, 3), code(2, 3, 21), code(3, 21, 21),
                                               code(21, 21, 20), code(21, 20, 1), code(20, 1, 0), -1}));
  EXPECT_EQ(ToVector(batch.triplets[3]), (Rows{code(0, 2, 0), -1, -1, -1, -1, -1, -1, -1}));
  EXPECT_EQ((batch.triplets >= 0).sum().item<int64_t>(), 7 + 1);
  EXPECT_EQ(kTripletCodes, code(21, 21, 21) + 1);
}

TEST(EntityTableTest, TripletsReachOverTheEndsOfTokens) {
  const SyntheticEntities entities({1}, {70});
  torch::Tensor last;
  for (const int residues_per_token : {8, 16, 32}) {
    const torch::Tensor triplets = entities.Batch({{0, 0}}, residues_per_token).triplets.flatten().slice(0, 0, 70);
    EXPECT_TRUE(!last.defined() || torch::equal(triplets, last)) << residues_per_token;
    last = triplets;
  }
}

TEST(EntityTableTest, FeaturesStandOncePerProteinAndTokensLeadToThem) {
  SyntheticEntities entities({2}, {40, 10, 20});
  entities.GiveFeatures(3);
  const PairBatch batch = entities.Batch({{0, 2}, {0, 0}, {0, 2}});
  ASSERT_EQ(batch.protein_features.sizes(), (std::vector<int64_t>{2, 3}));
  for (const auto& [row, protein] : {std::pair(0, 2), std::pair(1, 0)}) {
    EXPECT_TRUE(torch::equal(batch.protein_features[row], torch::tensor(entities.features[protein])));
    const torch::Tensor of_tokens = batch.token_protein.narrow(0, batch.proteins.first[row].item<int64_t>(),
                                                               batch.proteins.count[row].item<int64_t>());
    EXPECT_TRUE((of_tokens == row).all().item<bool>());
  }
  EXPECT_EQ(batch.token_protein.sizes(), (std::vector<int64_t>{batch.token_mask.size(0)}));
  entities.features.clear();
  EXPECT_FALSE(entities.Batch({{0, 2}}).protein_features.defined());
}

TEST(EntityTableTest, SizesTakeFewValues) {
  const SyntheticEntities entities({7, 20, 40}, {100, 900, 1500});
  // 67 atoms and 3 * 2 + 7 + 57 + 94 tokens: the powers of two above them.
  const PairBatch small = entities.Batch({{0, 0}, {1, 1}, {2, 2}}, 16);
  EXPECT_EQ(small.atom_features.size(0), 128);
  EXPECT_EQ(small.token_mask.size(0), 256);
  EXPECT_EQ(small.pair_atom_rows.size(0), 128);
  EXPECT_EQ(small.pair_token_rows.size(0), 256);
  EXPECT_EQ(entities.Batch({{0, 0}}).atom_features.size(0), 64) << "one pair does not cost a thousand rows";
  // 60 pairs of 40 atoms and 94 tokens: multiples of 1,024.
  const PairBatch large = entities.Batch(std::vector<PairIndex>(60, {2, 2}));
  EXPECT_EQ(large.pair_atom_rows.size(0), 3 * 1024);
  EXPECT_EQ(large.pair_token_rows.size(0), 6 * 1024);
}

// Every view of a pair's atoms and tokens leads to the rows of its own molecule and protein.
TEST(EntityTableTest, EveryIndexLeadsToThePairsOwnRows) {
  std::vector<int> lengths;
  for (int i = 0; i < 60; ++i) lengths.push_back(20 + 60 * i);
  const std::vector<int> atoms = {4, 7, 30};
  const SyntheticEntities entities(atoms, lengths);
  std::vector<PairIndex> pairs;
  for (int i = 59; i >= 0; --i) pairs.push_back({i % 3, i});
  const PairBatch batch = entities.Batch(pairs, 8);
  const auto expect_side = [&](const RowRanges& entity, const RowRanges& packed, const torch::Tensor& rows,
                               const RowRanges& distinct, const torch::Tensor& index, const Rows& sizes) {
    int64_t next = 0;
    for (int64_t i = 0; i < 60; ++i) {
      const int64_t first = distinct.first[index[i]].item<int64_t>(), count = sizes[i];
      EXPECT_EQ(entity.first[i].item<int64_t>(), first) << i;
      EXPECT_EQ(entity.count[i].item<int64_t>(), count) << i;
      EXPECT_EQ(packed.first[i].item<int64_t>(), next) << "one pair behind the other";
      EXPECT_EQ(packed.count[i].item<int64_t>(), count) << i;
      EXPECT_TRUE(torch::equal(rows.narrow(0, next, count), torch::arange(first, first + count))) << i;
      next += count;
    }
    for (const RowRanges* ranges : {&entity, &packed}) {
      EXPECT_EQ(ranges->total, next);
      EXPECT_EQ(ranges->most, *std::max_element(sizes.begin(), sizes.end()));
    }
    EXPECT_EQ(rows.slice(0, next).abs().sum().item<int64_t>(), 0) << "unused rows";
  };
  Rows atom_counts, token_counts;
  for (const PairIndex& pair : pairs) {
    atom_counts.push_back(atoms[pair.drug]);
    token_counts.push_back((lengths[pair.target] + 7) / 8);
  }
  expect_side(batch.drug_atoms, batch.pair_atoms, batch.pair_atom_rows, batch.molecules, batch.drug, atom_counts);
  expect_side(batch.target_tokens, batch.pair_tokens, batch.pair_token_rows, batch.proteins, batch.target,
              token_counts);
}

std::vector<torch::Tensor> TensorsOf(const PairBatch& batch) {
  std::vector<torch::Tensor> tensors = {
      batch.atom_features,   batch.environments,     batch.neighbors,    batch.neighbor_bonds, batch.residues,
      batch.triplets,        batch.token_mask,       batch.drug,         batch.target,         batch.pair_atom_rows,
      batch.pair_token_rows, batch.protein_features, batch.token_protein};
  for (const RowRanges* ranges : {&batch.molecules, &batch.proteins, &batch.drug_atoms, &batch.target_tokens,
                                  &batch.pair_atoms, &batch.pair_tokens}) {
    tensors.insert(tensors.end(), {ranges->first, ranges->count});
  }
  return tensors;
}

TEST(EntityTableTest, ABatchDependsOnItsOwnEntitiesAlone) {
  SyntheticEntities entities({5, 9, 3, 30}, {40, 130, 7, 700});
  entities.GiveFeatures(3);
  const EntityTable all = entities.Table(16);
  all.Cut({{0, 0}, {2, 2}});
  const PairBatch cut = all.Cut({{3, 1}, {1, 3}, {3, 3}});
  // The others may as well be missing.
  const auto graphs = entities.Graphs();
  const auto tokens = entities.Tokens();
  const auto features = entities.Features();
  const EntityTable some({nullptr, graphs[1], nullptr, graphs[3]}, {nullptr, tokens[1], nullptr, tokens[3]}, 16,
                         {nullptr, features[1], nullptr, features[3]}, torch::kCPU);
  const std::vector<torch::Tensor> expected = TensorsOf(some.Cut({{3, 1}, {1, 3}, {3, 3}})), actual = TensorsOf(cut);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(actual[i], expected[i])) << i;
}

#ifdef DEEPBINDNET_CUDA
TEST(EntityTableTest, ABatchOnAGpuIsThatOfTheCpu) {
  SyntheticEntities entities({5, 9}, {40, 130});
  entities.GiveFeatures(3);
  const PairBatch batch = entities.Batch({{1, 0}, {0, 1}}),
                  moved = entities.Table(16, torch::kCUDA).Cut({{1, 0}, {0, 1}});
  const std::vector<torch::Tensor> expected = TensorsOf(batch), actual = TensorsOf(moved);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(actual[i].is_cuda()) << i;
    EXPECT_TRUE(torch::equal(actual[i].cpu(), expected[i])) << i;
  }
  EXPECT_EQ(moved.pair_tokens.most, batch.pair_tokens.most);
  EXPECT_EQ(moved.pair_tokens.total, batch.pair_tokens.total);
}
#endif

}  // namespace
}  // namespace deepbindnet
