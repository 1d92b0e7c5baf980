#include "core/data/batch.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace deepbindnet {
namespace {

using Rows = std::vector<int64_t>;

constexpr int64_t kBucketPairs = 32;
// What sizes are rounded up to.
constexpr int64_t kRowQuantum = 1024, kTokenQuantum = 256, kPaddedAtomQuantum = 8, kPaddedTokenQuantum = 16;
// Empty tokens behind each protein: at least the reach of a convolution over tokens, so that no protein sees another.
constexpr int64_t kTokenGap = 2;

int64_t RoundUp(int64_t value, int64_t quantum) { return (value + quantum - 1) / quantum * quantum; }

// Up to a multiple of `quantum`, or of a smaller power of two, at least 64, where that suffices: one pair is not to
// cost a thousand rows.
int64_t RoundRows(int64_t rows, int64_t quantum) {
  int64_t power = 64;
  while (power < rows && power < quantum) power *= 2;
  return RoundUp(rows, power);
}

// Distinct entities in order of first use.
class Distinct {
 public:
  int64_t Add(int32_t entity) {
    const auto [found, inserted] = index_.emplace(entity, static_cast<int64_t>(entities_.size()));
    if (inserted) entities_.push_back(entity);
    return found->second;
  }
  const std::vector<int32_t>& entities() const { return entities_; }

 private:
  std::unordered_map<int32_t, int64_t> index_;
  std::vector<int32_t> entities_;
};

// Consecutive rows of several items.
struct Ranges {
  Rows first;
  Rows count;
  void Add(int64_t start, int64_t size) {
    first.push_back(start);
    count.push_back(size);
  }
  int64_t most() const { return *std::max_element(count.begin(), count.end()); }
};

// The ranges as a padded index of `width` columns.
EntityRows Padded(const Ranges& ranges, int64_t width) {
  const int64_t items = static_cast<int64_t>(ranges.count.size());
  EntityRows padded{torch::zeros({items, width}, torch::kInt64), torch::zeros({items, width}, torch::kBool)};
  int64_t* rows = padded.rows.data_ptr<int64_t>();
  bool* mask = padded.mask.data_ptr<bool>();
  for (int64_t i = 0; i < items; ++i) {
    std::iota(rows + i * width, rows + i * width + ranges.count[i], ranges.first[i]);
    std::fill_n(mask + i * width, ranges.count[i], true);
  }
  return padded;
}

int64_t BondCode(const uint8_t* features) {
  int64_t code = 0;
  for (int c = 0; c < kBondFeatures; ++c) code = code * kBondFeatureSizes[c] + features[c];
  return code;
}

int64_t MaxDegree(const std::vector<const MolecularGraph*>& molecules) {
  int64_t most = 1;
  for (const MolecularGraph* molecule : molecules) {
    Rows degree(molecule->atoms(), 0);
    for (const int32_t atom : molecule->bond_atoms) most = std::max(most, ++degree[atom]);
  }
  return most;
}

void AddAtomFeatures(const MolecularGraph& graph, int64_t* features) {
  for (int a = 0; a < graph.atoms(); ++a) {
    int64_t offset = 0;
    for (int c = 0; c < kAtomFeatures; ++c) {
      features[a * kAtomFeatures + c] = offset + graph.atom_features[a * kAtomFeatures + c];
      offset += kAtomFeatureSizes[c];
    }
  }
}

// Fills the molecular part and returns each molecule's atoms.
Ranges AddMolecules(const std::vector<const MolecularGraph*>& molecules, PairBatch* batch) {
  Ranges ranges;
  int64_t atoms = 0;
  for (const MolecularGraph* molecule : molecules) {
    ranges.Add(atoms, molecule->atoms());
    atoms += molecule->atoms();
  }
  const int64_t rows = RoundRows(atoms, kRowQuantum), degree = MaxDegree(molecules);
  batch->atom_features = torch::zeros({rows, kAtomFeatures}, torch::kInt64);
  batch->neighbors = torch::zeros({rows, degree}, torch::kInt64);
  batch->neighbor_bonds = torch::full({rows, degree}, kBondCodes, torch::kInt64);
  int64_t* neighbors = batch->neighbors.data_ptr<int64_t>();
  int64_t* bonds = batch->neighbor_bonds.data_ptr<int64_t>();
  Rows used(atoms, 0);
  for (size_t m = 0; m < molecules.size(); ++m) {
    const MolecularGraph& graph = *molecules[m];
    AddAtomFeatures(graph, batch->atom_features.data_ptr<int64_t>() + ranges.first[m] * kAtomFeatures);
    for (int b = 0; b < graph.bonds(); ++b) {
      const int64_t code = BondCode(&graph.bond_features[static_cast<size_t>(b) * kBondFeatures]);
      for (const int end : {0, 1}) {
        const int64_t atom = ranges.first[m] + graph.bond_atoms[2 * b + end];
        const int64_t slot = atom * degree + used[atom]++;
        neighbors[slot] = ranges.first[m] + graph.bond_atoms[2 * b + 1 - end];
        bonds[slot] = code;
      }
    }
  }
  batch->molecules = Padded(ranges, ranges.most());
  return ranges;
}

// Fills the protein part and returns each protein's tokens.
Ranges AddProteins(const std::vector<const std::vector<uint8_t>*>& proteins, int residues_per_token, PairBatch* batch) {
  Ranges ranges;
  int64_t tokens = 0;
  for (const auto* protein : proteins) {
    const int64_t count = RoundUp(static_cast<int64_t>(protein->size()), residues_per_token) / residues_per_token;
    ranges.Add(tokens, count);
    tokens += count + kTokenGap;
  }
  const int64_t rows = RoundRows(tokens, kTokenQuantum);
  batch->residues = torch::zeros({rows * residues_per_token}, torch::kInt64);
  batch->token_mask = torch::zeros({rows, 1}, torch::kFloat32);
  for (size_t p = 0; p < proteins.size(); ++p) {
    std::copy(proteins[p]->begin(), proteins[p]->end(),
              batch->residues.data_ptr<int64_t>() + ranges.first[p] * residues_per_token);
    std::fill_n(batch->token_mask.data_ptr<float>() + ranges.first[p], ranges.count[p], 1.0F);
  }
  batch->residue_mask = (batch->residues != 0).to(torch::kFloat32).unsqueeze(1);
  batch->proteins = Padded(ranges, ranges.most());
  return ranges;
}

// Fills the vectors of the used proteins, whose tokens are `ranges`.
void AddFeatures(const FeatureList& features, const std::vector<int32_t>& used, const Ranges& ranges,
                 PairBatch* batch) {
  if (features.empty()) return;
  const auto width = static_cast<int64_t>(features[used.front()]->size());
  batch->protein_features = torch::empty({static_cast<int64_t>(used.size()), width}, torch::kFloat32);
  batch->token_protein = torch::zeros({batch->token_mask.size(0)}, torch::kInt64);
  for (size_t p = 0; p < used.size(); ++p) {
    std::copy(features[used[p]]->begin(), features[used[p]]->end(),
              batch->protein_features.data_ptr<float>() + static_cast<int64_t>(p) * width);
    std::fill_n(batch->token_protein.data_ptr<int64_t>() + ranges.first[p], ranges.count[p], static_cast<int64_t>(p));
  }
}

// One side of the pairs in bucket order: packed rows, and where each stands among the padded ones.
class PackedSide {
 public:
  PackedSide(const Ranges& entities, int64_t quantum) : entities_(entities), quantum_(quantum) {}

  struct Bucket {
    EntityRows entity, packed;
  };
  Bucket Add(const Rows& bucket_entities) {
    Ranges of_entity, of_pair;
    for (const int64_t entity : bucket_entities) {
      of_entity.Add(entities_.first[entity], entities_.count[entity]);
      of_pair.Add(static_cast<int64_t>(rows_.size()), entities_.count[entity]);
      for (int64_t i = 0; i < entities_.count[entity]; ++i) rows_.push_back(entities_.first[entity] + i);
    }
    const int64_t width = RoundUp(of_entity.most(), quantum_);
    for (size_t pair = 0; pair < bucket_entities.size(); ++pair) {
      for (int64_t i = 0; i < of_pair.count[pair]; ++i) padded_.push_back(padded_rows_ + i);
      padded_rows_ += width;
    }
    return {Padded(of_entity, width), Padded(of_pair, width)};
  }
  // Rounded up with rows that nothing refers to.
  torch::Tensor rows() const { return Rounded(rows_); }
  torch::Tensor padded() const { return Rounded(padded_); }

 private:
  static torch::Tensor Rounded(Rows rows) {
    rows.resize(RoundRows(static_cast<int64_t>(rows.size()), kRowQuantum), 0);
    return torch::tensor(rows);
  }

  const Ranges& entities_;
  const int64_t quantum_;
  Rows rows_, padded_;
  int64_t padded_rows_ = 0;
};

void AddPairs(const Rows& drug_of, const Rows& target_of, const Ranges& atoms, const Ranges& tokens, PairBatch* batch) {
  Rows order(drug_of.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::make_pair(tokens.count[target_of[a]], atoms.count[drug_of[a]]) <
           std::make_pair(tokens.count[target_of[b]], atoms.count[drug_of[b]]);
  });
  PackedSide drugs(atoms, kPaddedAtomQuantum), targets(tokens, kPaddedTokenQuantum);
  Rows drug, target, place(order.size());
  for (size_t begin = 0; begin < order.size(); begin += kBucketPairs) {
    Rows bucket_drugs, bucket_targets;
    for (size_t i = begin; i < std::min(order.size(), begin + kBucketPairs); ++i) {
      bucket_drugs.push_back(drug_of[order[i]]);
      bucket_targets.push_back(target_of[order[i]]);
      place[order[i]] = static_cast<int64_t>(i);
    }
    drug.insert(drug.end(), bucket_drugs.begin(), bucket_drugs.end());
    target.insert(target.end(), bucket_targets.begin(), bucket_targets.end());
    PackedSide::Bucket drug_side = drugs.Add(bucket_drugs), target_side = targets.Add(bucket_targets);
    batch->buckets.push_back({drug_side.entity.rows, drug_side.packed.rows, drug_side.entity.mask,
                              target_side.entity.rows, target_side.packed.rows, target_side.entity.mask});
  }
  batch->drug = torch::tensor(drug);
  batch->target = torch::tensor(target);
  batch->order = torch::tensor(place);
  batch->pair_atom_rows = drugs.rows();
  batch->padded_atoms = drugs.padded();
  batch->pair_token_rows = targets.rows();
  batch->padded_tokens = targets.padded();
}

}  // namespace

PairBatch MakeBatch(const std::vector<const MolecularGraph*>& molecules,
                    const std::vector<const std::vector<uint8_t>*>& proteins, const std::vector<PairIndex>& pairs,
                    int residues_per_token, const FeatureList& features) {
  Distinct drugs, targets;
  Rows drug_of, target_of;
  for (const PairIndex& pair : pairs) {
    drug_of.push_back(drugs.Add(pair.drug));
    target_of.push_back(targets.Add(pair.target));
  }
  std::vector<const MolecularGraph*> used_molecules;
  for (const int32_t drug : drugs.entities()) used_molecules.push_back(molecules[drug]);
  std::vector<const std::vector<uint8_t>*> used_proteins;
  for (const int32_t target : targets.entities()) used_proteins.push_back(proteins[target]);
  PairBatch batch;
  const Ranges atoms = AddMolecules(used_molecules, &batch);
  const Ranges tokens = AddProteins(used_proteins, residues_per_token, &batch);
  AddFeatures(features, targets.entities(), tokens, &batch);
  AddPairs(drug_of, target_of, atoms, tokens, &batch);
  return batch;
}

PairBatch PairBatch::To(const torch::Device& device) const {
  if (device.is_cpu()) return *this;
  PairBatch moved = *this;
  for (torch::Tensor* tensor :
       {&moved.atom_features, &moved.neighbors, &moved.neighbor_bonds, &moved.molecules.rows, &moved.molecules.mask,
        &moved.residues, &moved.residue_mask, &moved.token_mask, &moved.proteins.rows, &moved.proteins.mask,
        &moved.drug, &moved.target, &moved.pair_atom_rows, &moved.pair_token_rows, &moved.padded_atoms,
        &moved.padded_tokens, &moved.order}) {
    *tensor = tensor->to(device);
  }
  for (torch::Tensor* tensor : {&moved.protein_features, &moved.token_protein}) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  for (PairBucket& bucket : moved.buckets) {
    for (torch::Tensor* tensor : {&bucket.atom_rows, &bucket.pair_atom_rows, &bucket.atom_mask, &bucket.token_rows,
                                  &bucket.pair_token_rows, &bucket.token_mask}) {
      *tensor = tensor->to(device);
    }
  }
  return moved;
}

}  // namespace deepbindnet
