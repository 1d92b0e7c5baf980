// A batch of (molecule, protein) pairs as tensors, made so that little is computed twice and nothing is padded: each
// distinct molecule and protein stands once; the atoms of all molecules, the tokens of all proteins, and the atoms and
// tokens of all pairs are packed one after the other.
//
// Sizes are rounded up to a few values, because the CPU's matrix library compiles a kernel for every new shape (0.2 to
// 0.5 ms each, more than the product itself).
#ifndef DEEPBINDNET_CORE_DATA_BATCH_H_
#define DEEPBINDNET_CORE_DATA_BATCH_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/chem/molecular_graph.h"

namespace deepbindnet {

// Combinations of bond categories; a bond's code is its row in the model's table of bond embeddings.
inline constexpr int kBondCodes =
    kBondFeatureSizes[0] * kBondFeatureSizes[1] * kBondFeatureSizes[2] * kBondFeatureSizes[3];

// Consecutive rows of several items among others: item i has the rows first[i] .. first[i] + count[i] - 1, one or more.
struct RowRanges {
  torch::Tensor first;  // [items] int64
  torch::Tensor count;  // [items] int64
  int64_t most = 0;     // The largest count.
  int64_t total = 0;    // The sum of the counts.
};

// Codes of three neighbouring residues, the middle one of which is what the code is for: (left * 22 + middle) * 22 +
// right, where each is 0 beyond the ends, 1 to 20 for the standard residues, and 21 for any other.
inline constexpr int kTripletAlphabet = 22;
inline constexpr int kTripletCodes = kTripletAlphabet * kTripletAlphabet * kTripletAlphabet;

// Dimension names: `atoms` are the rows of all distinct molecules, `tokens` those of all distinct proteins (with unused
// rows between and behind them), `pair_atoms` and `pair_tokens` those of all pairs, one pair behind the other (with
// unused rows behind them).
struct PairBatch {
  torch::Tensor atom_features;   // [atoms, kAtomFeatures] int64, each column offset to its rows in one joint table
  torch::Tensor environments;    // [atoms, kEnvironmentRadii] int64, likewise; -1 in unused rows
  torch::Tensor neighbors;       // [atoms, degree] int64, row of the neighbour; the atom's own where there is no bond
  torch::Tensor neighbor_bonds;  // [atoms, degree] int64, code of the bond; -1 where there is none
  RowRanges molecules;           // [molecules], among `atoms`
  double kept_environments = 1;  // Share of the environments that were not left out; sums over them are divided by it.

  torch::Tensor residues;  // [tokens, residues_per_token] int64, -1 where there is no residue
  torch::Tensor triplets;  // [tokens, residues_per_token] int64, codes of the residues with their neighbours; likewise
  torch::Tensor token_mask;  // [tokens, 1] float32, 1 or 0
  RowRanges proteins;        // [proteins], among `tokens`
  double kept_triplets = 1;  // Likewise.
  // Both undefined where the proteins have no features.
  torch::Tensor protein_features;  // [proteins, protein_feature_dim] float32
  torch::Tensor token_protein;     // [tokens] int64, row of the token's protein; 0 where there is no token

  torch::Tensor drug;             // [pairs] int64, row of `molecules`
  torch::Tensor target;           // [pairs] int64, row of `proteins`
  RowRanges drug_atoms;           // [pairs], of the pair's molecule among `atoms`
  RowRanges target_tokens;        // [pairs], of the pair's protein among `tokens`
  RowRanges pair_atoms;           // [pairs], among `pair_atoms`
  RowRanges pair_tokens;          // [pairs], among `pair_tokens`
  torch::Tensor pair_atom_rows;   // [pair_atoms] int64 among `atoms`; 0 in unused rows
  torch::Tensor pair_token_rows;  // [pair_tokens] int64 among `tokens`; likewise
  torch::Tensor prior;            // [pairs, kPriorChannels] float32, of SimilarityPrior; undefined without
};

// A pair by index into a list of molecules and one of proteins.
struct PairIndex {
  int32_t drug = 0;
  int32_t target = 0;
};

// Vectors of proteins, parallel to a list of proteins; each [protein_feature_dim]. Empty where the model takes none.
using FeatureList = std::vector<const std::vector<float>*>;

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_BATCH_H_
