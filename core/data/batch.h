// A batch of (molecule, protein) pairs as tensors, made so that little is computed twice and little is padded: each
// distinct molecule and protein stands once; the atoms of all molecules, the tokens of all proteins, and the atoms and
// tokens of all pairs are packed one after the other; only attention sees padded buckets of pairs of similar length.
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

// Dimension names: `atoms` are the rows of all distinct molecules, `tokens` those of all distinct proteins (with unused
// rows between and behind them), `pair_atoms` and `pair_tokens` those of all pairs in bucket order.

// Pairs of similar size, padded. Masked entries of a row index are 0, which is a row like any other.
struct PairBucket {
  torch::Tensor atom_rows;        // [pairs, max_atoms] int64 among `atoms`
  torch::Tensor pair_atom_rows;   // [pairs, max_atoms] int64 among `pair_atoms`
  torch::Tensor atom_mask;        // [pairs, max_atoms] bool, true for an atom
  torch::Tensor token_rows;       // [pairs, max_tokens] int64 among `tokens`
  torch::Tensor pair_token_rows;  // [pairs, max_tokens] int64 among `pair_tokens`
  torch::Tensor token_mask;       // [pairs, max_tokens] bool, true for a token
};

// Rows of distinct entities, padded, for pooling.
struct EntityRows {
  torch::Tensor rows;  // [entities, most] int64; 0 where the mask is false
  torch::Tensor mask;  // [entities, most] bool
};

struct PairBatch {
  torch::Tensor atom_features;   // [atoms, kAtomFeatures] int64, each column offset to its rows in one joint table
  torch::Tensor neighbors;       // [atoms, degree] int64, row of the neighbour; 0 where there is no bond
  torch::Tensor neighbor_bonds;  // [atoms, degree] int64, code of the bond; kBondCodes where there is none
  EntityRows molecules;          // among `atoms`

  torch::Tensor residues;      // [tokens * residues_per_token] int64, 0 where there is no residue
  torch::Tensor residue_mask;  // [tokens * residues_per_token, 1] float32, 1 or 0
  torch::Tensor token_mask;    // [tokens, 1] float32, 1 or 0
  EntityRows proteins;         // among `tokens`
  // Both undefined where the proteins have no features.
  torch::Tensor protein_features;  // [proteins, protein_feature_dim] float32
  torch::Tensor token_protein;     // [tokens] int64, row of the token's protein; 0 where there is no token

  // All of these in bucket order.
  torch::Tensor drug;             // [pairs] int64, row of `molecules`
  torch::Tensor target;           // [pairs] int64, row of `proteins`
  torch::Tensor pair_atom_rows;   // [pair_atoms] int64 among `atoms`
  torch::Tensor pair_token_rows;  // [pair_tokens] int64 among `tokens`
  torch::Tensor padded_atoms;     // [pair_atoms] int64, place among the buckets' atoms, padded and flattened
  torch::Tensor padded_tokens;    // [pair_tokens] int64, likewise
  std::vector<PairBucket> buckets;
  torch::Tensor order;  // [pairs] int64, bucket-order place of the caller's first, second, ... pair

  // The same batch with every tensor on `device`.
  PairBatch To(const torch::Device& device) const;
};

// A pair by index into the two lists given to MakeBatch.
struct PairIndex {
  int32_t drug = 0;
  int32_t target = 0;
};

// Vectors of proteins, parallel to a list of proteins; each [protein_feature_dim]. Empty where the model takes none.
using FeatureList = std::vector<const std::vector<float>*>;

// Builds a batch of one or more pairs on the CPU. Only molecules and proteins that a pair names are included. Every
// molecule has an atom, every protein a residue, every index is in range, and with `features` every protein that a pair
// names has a vector of one dimension: the caller has checked. Pure; safe to call from any thread.
PairBatch MakeBatch(const std::vector<const MolecularGraph*>& molecules,
                    const std::vector<const std::vector<uint8_t>*>& proteins, const std::vector<PairIndex>& pairs,
                    int residues_per_token, const FeatureList& features = {});

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_BATCH_H_
