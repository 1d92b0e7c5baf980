#include "core/data/batch.h"

#include <gtest/gtest.h>

#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

TEST(MakeBatchTest, HoldsDistinctEntitiesOnce) {
  const SyntheticEntities entities({5, 3, 9}, {40, 130});
  const PairBatch batch = entities.Batch({{2, 1}, {0, 1}, {2, 1}, {2, 0}});
  EXPECT_EQ(batch.molecules.rows.sizes(), (std::vector<int64_t>{2, 9})) << "molecule 1 is not used, 2 stands once";
  EXPECT_EQ(batch.molecules.mask.sum().item<int64_t>(), 9 + 5);
  EXPECT_EQ(batch.proteins.mask.sum().item<int64_t>(), 3 + 9);
}

TEST(MakeBatchTest, NeighborsFollowTheBonds) {
  SyntheticEntities entities({1, 2}, {16});
  entities.graphs[1].bond_features = {1, 0, 1, 4};  // code ((1 * 2 + 0) * 2 + 1) * 5 + 4
  const PairBatch batch = entities.Batch({{0, 0}, {1, 0}});
  EXPECT_EQ(batch.neighbors.size(1), 1);
  EXPECT_EQ(batch.neighbor_bonds[0][0].item<int64_t>(), kBondCodes) << "a lone atom has no neighbour";
  EXPECT_EQ(batch.neighbors[1][0].item<int64_t>(), 2);
  EXPECT_EQ(batch.neighbors[2][0].item<int64_t>(), 1);
  EXPECT_EQ(batch.neighbor_bonds[1][0].item<int64_t>(), 29);
  EXPECT_EQ((batch.neighbor_bonds != kBondCodes).sum().item<int64_t>(), 2) << "rounded up rows have no bonds";
}

TEST(MakeBatchTest, AtomColumnsPointIntoOneTable) {
  const SyntheticEntities entities({1}, {16});
  const PairBatch batch = entities.Batch({{0, 0}});
  int64_t offset = 0;
  for (int c = 0; c < kAtomFeatures; ++c) {
    EXPECT_EQ(batch.atom_features[0][c].item<int64_t>(), offset + entities.graphs[0].atom_features[c]);
    offset += kAtomFeatureSizes[c];
  }
}

TEST(MakeBatchTest, TokensCoverEveryResidueAndStandApart) {
  const SyntheticEntities entities({2}, {1, 16, 17, 4128});
  const PairBatch batch = entities.Batch({{0, 0}, {0, 1}, {0, 2}, {0, 3}});
  EXPECT_EQ(batch.proteins.mask.sum().item<int64_t>(), 1 + 1 + 2 + 258);
  EXPECT_EQ(batch.token_mask.sum().item<float>(), 1 + 1 + 2 + 258);
  EXPECT_EQ(batch.residue_mask.sum().item<float>(), 1 + 16 + 17 + 4128);
  EXPECT_EQ(batch.residues.size(0), batch.token_mask.size(0) * 16);
  for (int64_t p = 0; p + 1 < 4; ++p) {
    const int64_t last = batch.proteins.rows[p].max().item<int64_t>(),
                  next = batch.proteins.rows[p + 1][0].item<int64_t>();
    EXPECT_EQ(next, last + 3) << "two empty tokens between proteins";
    EXPECT_EQ(batch.token_mask.slice(0, last + 1, next).sum().item<float>(), 0.0F);
  }
}

TEST(MakeBatchTest, FeaturesStandOncePerProteinAndTokensLeadToThem) {
  SyntheticEntities entities({2}, {40, 10, 20});
  entities.GiveFeatures(3);
  const PairBatch batch = entities.Batch({{0, 2}, {0, 0}, {0, 2}});
  ASSERT_EQ(batch.protein_features.sizes(), (std::vector<int64_t>{2, 3}));
  for (const auto& [row, protein] : {std::pair(0, 2), std::pair(1, 0)}) {
    EXPECT_TRUE(torch::equal(batch.protein_features[row], torch::tensor(entities.features[protein])));
    const torch::Tensor tokens = batch.proteins.rows[row].masked_select(batch.proteins.mask[row]);
    EXPECT_TRUE((batch.token_protein.index_select(0, tokens) == row).all().item<bool>());
  }
  EXPECT_EQ(batch.token_protein.sizes(), (std::vector<int64_t>{batch.token_mask.size(0)}));
  entities.features.clear();
  EXPECT_FALSE(entities.Batch({{0, 2}}).protein_features.defined());
}

TEST(MakeBatchTest, SizesTakeFewValues) {
  const SyntheticEntities entities({7, 20, 40}, {100, 900, 1500});
  // 67 atoms and 3 * 2 + 7 + 57 + 94 tokens: the powers of two above them.
  const PairBatch small = entities.Batch({{0, 0}, {1, 1}, {2, 2}});
  EXPECT_EQ(small.atom_features.size(0), 128);
  EXPECT_EQ(small.token_mask.size(0), 256);
  EXPECT_EQ(small.pair_atom_rows.size(0), 128);
  EXPECT_EQ(small.buckets[0].atom_rows.size(1), 40);
  EXPECT_EQ(small.buckets[0].token_rows.size(1), 96);
  EXPECT_EQ(entities.Batch({{0, 0}}).atom_features.size(0), 64) << "one pair does not cost a thousand rows";
  // 60 pairs of 40 atoms and 94 tokens: multiples of 1,024.
  const PairBatch large = entities.Batch(std::vector<PairIndex>(60, {2, 2}));
  EXPECT_EQ(large.pair_atom_rows.size(0), 3 * 1024);
  EXPECT_EQ(large.pair_token_rows.size(0), 6 * 1024);
}

// Every view of a pair's atoms and tokens leads to the rows of its own molecule and protein.
TEST(MakeBatchTest, EveryIndexLeadsToThePairsOwnRows) {
  std::vector<int> lengths;
  for (int i = 0; i < 60; ++i) lengths.push_back(20 + 60 * i);
  const SyntheticEntities entities({4, 7, 30}, lengths);
  std::vector<PairIndex> pairs;
  for (int i = 59; i >= 0; --i) pairs.push_back({i % 3, i});
  const PairBatch batch = entities.Batch(pairs, 8);
  ASSERT_EQ(batch.buckets.size(), 2U);
  const std::vector<int> atoms = {4, 7, 30};
  std::vector<torch::Tensor> padded_atom_rows, padded_token_rows;
  for (const PairBucket& bucket : batch.buckets) {
    padded_atom_rows.push_back(bucket.atom_rows.flatten());
    padded_token_rows.push_back(bucket.token_rows.flatten());
    EXPECT_TRUE(torch::equal(batch.pair_atom_rows.index({bucket.pair_atom_rows}).masked_select(bucket.atom_mask),
                             bucket.atom_rows.masked_select(bucket.atom_mask)));
    EXPECT_TRUE(torch::equal(batch.pair_token_rows.index({bucket.pair_token_rows}).masked_select(bucket.token_mask),
                             bucket.token_rows.masked_select(bucket.token_mask)));
  }
  int64_t pair_atoms = 0, pair_tokens = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const int64_t place = batch.order[static_cast<int64_t>(i)].item<int64_t>();
    const PairBucket& bucket = batch.buckets[place / 32];
    const int64_t row = place % 32, molecule = batch.drug[place].item<int64_t>();
    EXPECT_EQ(bucket.atom_mask[row].sum().item<int64_t>(), atoms[pairs[i].drug]);
    EXPECT_EQ(bucket.token_mask[row].sum().item<int64_t>(), (lengths[pairs[i].target] + 7) / 8);
    EXPECT_EQ(bucket.atom_rows[row][0].item<int64_t>(), batch.molecules.rows[molecule][0].item<int64_t>());
    pair_atoms += atoms[pairs[i].drug];
    pair_tokens += (lengths[pairs[i].target] + 7) / 8;
  }
  const torch::Tensor atom_places = batch.padded_atoms.slice(0, 0, pair_atoms);
  const torch::Tensor token_places = batch.padded_tokens.slice(0, 0, pair_tokens);
  EXPECT_TRUE(
      torch::equal(torch::cat(padded_atom_rows).index({atom_places}), batch.pair_atom_rows.slice(0, 0, pair_atoms)));
  EXPECT_TRUE(torch::equal(torch::cat(padded_token_rows).index({token_places}),
                           batch.pair_token_rows.slice(0, 0, pair_tokens)));
}

}  // namespace
}  // namespace deepbindnet
