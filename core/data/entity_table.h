// The molecules and proteins of a data set as tensors on a device, packed once. A batch of pairs is cut from them
// there: what goes to the device for a batch is which rows it has.
#ifndef DEEPBINDNET_CORE_DATA_ENTITY_TABLE_H_
#define DEEPBINDNET_CORE_DATA_ENTITY_TABLE_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/chem/molecular_graph.h"
#include "core/data/batch.h"

namespace deepbindnet {

// How much there is of everything in a batch; as PairBatch's dimensions, and the most rows of one molecule and protein.
struct BatchSizes {
  int64_t molecules = 0, proteins = 0, atoms = 0, tokens = 0, pair_atoms = 0, pair_tokens = 0;
  int64_t most_atoms = 0, most_tokens = 0;
};

// Which rows of a table a batch has: lists of integers, one behind the other.
struct PackedBatch {
  struct List {
    int64_t first = 0, count = 0;
  };
  struct RangeLists {
    List first, count;
    int64_t most = 0, total = 0;  // As RowRanges'.
  };

  BatchSizes Sizes() const {
    return {molecules.first.count, proteins.first.count,  atom_rows.count, token_rows.count,
            pair_atom_rows.count,  pair_token_rows.count, molecules.most,  proteins.most};
  }

  std::vector<int64_t> integers;
  List atom_rows, token_rows;  // Of the table.
  // As PairBatch's.
  RangeLists molecules, proteins;
  List drug, target;
  RangeLists drug_atoms, target_tokens, pair_atoms, pair_tokens;
  List pair_atom_rows, pair_token_rows;
  List token_protein, protein_rows;  // Empty where the proteins have no features.
};

// From pinned memory where the device is a GPU; the host does not wait for the copy.
torch::Tensor ToDevice(const std::vector<int64_t>& integers, const torch::Device& device);

class EntityTable {
 public:
  // Every molecule has an atom, every protein a residue, and `features` is empty or has a vector of one dimension for
  // every protein: the caller has checked. One that no pair names may be null. Nothing of the arguments is referred to
  // afterwards.
  EntityTable(const std::vector<const MolecularGraph*>& molecules,
              const std::vector<const std::vector<uint8_t>*>& proteins, int residues_per_token,
              const FeatureList& features, const torch::Device& device);

  // A batch of one or more pairs, whose indices are those of the lists given to the constructor, on the device. Holds
  // the molecules and proteins that a pair names and no others. Safe to call from several threads at once.
  PairBatch Cut(const std::vector<PairIndex>& pairs) const;

  // The two halves of Cut(): on the host, where the batch is filled up to the sizes `least` with rows and molecules
  // that no pair names, and on the device, given the packed batch's integers there. What the second half does depends
  // on the sizes and the number of pairs alone, so that it can be recorded.
  PackedBatch Pack(const std::vector<PairIndex>& pairs, const BatchSizes& least) const;
  PairBatch Cut(const PackedBatch& packed, const torch::Tensor& integers) const;

 private:
  // Where the rows of each entity stand in the table, on the host.
  struct Places {
    std::vector<int64_t> first, count;
    int64_t rows = 0;  // Of all; the row behind them is empty.
    void Add(int64_t of_entity) {
      first.push_back(rows);
      count.push_back(of_entity);
      rows += of_entity;
    }
  };

  void PackMolecules(const std::vector<const MolecularGraph*>& molecules);
  void PackProteins(const std::vector<const std::vector<uint8_t>*>& proteins, int residues_per_token);

  const torch::Device device_;
  Places atoms_, tokens_;
  // Small integers take few bytes. As in PairBatch, but of all entities, without rows between them, and with an empty
  // row at the end; a neighbour is how many rows behind the atom it stands.
  torch::Tensor atom_features_;     // [atoms + 1, kAtomFeatures] int16
  torch::Tensor environments_;      // [atoms + 1, kEnvironmentRadii] int16
  torch::Tensor neighbor_offsets_;  // [atoms + 1, degree] int32
  torch::Tensor neighbor_bonds_;    // [atoms + 1, degree] int16
  torch::Tensor residues_;          // [tokens + 1, residues_per_token] int8
  torch::Tensor triplets_;          // [tokens + 1, residues_per_token] int16
  torch::Tensor token_mask_;        // [tokens + 1, 1] float32
  torch::Tensor features_;          // [proteins, protein_feature_dim] float32; undefined without features
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_ENTITY_TABLE_H_
