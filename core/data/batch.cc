#include "core/data/batch.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace deepbindnet {
namespace {

using Rows = std::vector<int64_t>;

// What sizes are rounded up to.
constexpr int64_t kRowQuantum = 1024, kTokenQuantum = 256;
// Empty tokens behind each protein: at least the reach of a convolution over tokens, so that no protein sees another.
constexpr int64_t kTokenGap = 2;
constexpr uint8_t kStandardResidues = 20;  // The first residue tokens.

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
  RowRanges ToTensors() const {
    return {torch::tensor(first), torch::tensor(count), *std::max_element(count.begin(), count.end()),
            std::accumulate(count.begin(), count.end(), int64_t{0})};
  }
};

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

void AddAtomFeatures(const MolecularGraph& graph, int64_t* features, int64_t* environments) {
  for (int a = 0; a < graph.atoms(); ++a) {
    int64_t offset = 0;
    for (int c = 0; c < kAtomFeatures; ++c) {
      features[a * kAtomFeatures + c] = offset + graph.atom_features[a * kAtomFeatures + c];
      offset += kAtomFeatureSizes[c];
    }
    for (int r = 0; r < kEnvironmentRadii; ++r) {
      environments[a * kEnvironmentRadii + r] =
          int64_t{r} * kEnvironmentCodes + graph.environments[a * kEnvironmentRadii + r];
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
  batch->environments = torch::full({rows, kEnvironmentRadii}, -1, torch::kInt64);
  batch->neighbors = torch::zeros({rows, degree}, torch::kInt64);
  batch->neighbor_bonds = torch::full({rows, degree}, -1, torch::kInt64);
  int64_t* neighbors = batch->neighbors.data_ptr<int64_t>();
  int64_t* bonds = batch->neighbor_bonds.data_ptr<int64_t>();
  Rows used(atoms, 0);
  for (size_t m = 0; m < molecules.size(); ++m) {
    const MolecularGraph& graph = *molecules[m];
    AddAtomFeatures(graph, batch->atom_features.data_ptr<int64_t>() + ranges.first[m] * kAtomFeatures,
                    batch->environments.data_ptr<int64_t>() + ranges.first[m] * kEnvironmentRadii);
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
  batch->molecules = ranges.ToTensors();
  return ranges;
}

void AddTriplets(const std::vector<uint8_t>& protein, int64_t* triplets) {
  const auto residue = [&](size_t i) {  // protein.size() and, by wrapping around, -1 lie beyond the ends.
    return i < protein.size() ? std::min<int64_t>(protein[i], kStandardResidues + 1) : 0;
  };
  for (size_t i = 0; i < protein.size(); ++i) {
    triplets[i] = (residue(i - 1) * kTripletAlphabet + residue(i)) * kTripletAlphabet + residue(i + 1);
  }
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
  batch->residues = torch::full({rows, residues_per_token}, -1, torch::kInt64);
  batch->triplets = torch::full({rows, residues_per_token}, -1, torch::kInt64);
  batch->token_mask = torch::zeros({rows, 1}, torch::kFloat32);
  for (size_t p = 0; p < proteins.size(); ++p) {
    const int64_t at = ranges.first[p] * residues_per_token;
    std::copy(proteins[p]->begin(), proteins[p]->end(), batch->residues.data_ptr<int64_t>() + at);
    AddTriplets(*proteins[p], batch->triplets.data_ptr<int64_t>() + at);
    std::fill_n(batch->token_mask.data_ptr<float>() + ranges.first[p], ranges.count[p], 1.0F);
  }
  batch->proteins = ranges.ToTensors();
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

// One side of all pairs.
struct PairSide {
  RowRanges entity, packed;
  torch::Tensor rows;  // Of the packed ones among the entities', rounded up with rows that nothing refers to.
};

PairSide PackSide(const Rows& entity_of, const Ranges& entities) {
  Ranges of_entity, packed;
  Rows rows;
  for (const int64_t entity : entity_of) {
    const int64_t first = entities.first[entity], count = entities.count[entity];
    of_entity.Add(first, count);
    packed.Add(static_cast<int64_t>(rows.size()), count);
    for (int64_t i = 0; i < count; ++i) rows.push_back(first + i);
  }
  rows.resize(RoundRows(static_cast<int64_t>(rows.size()), kRowQuantum), 0);
  return {of_entity.ToTensors(), packed.ToTensors(), torch::tensor(rows)};
}

void AddPairs(const Rows& drug_of, const Rows& target_of, const Ranges& atoms, const Ranges& tokens, PairBatch* batch) {
  const PairSide drugs = PackSide(drug_of, atoms), targets = PackSide(target_of, tokens);
  batch->drug = torch::tensor(drug_of);
  batch->target = torch::tensor(target_of);
  batch->drug_atoms = drugs.entity;
  batch->target_tokens = targets.entity;
  batch->pair_atoms = drugs.packed;
  batch->pair_tokens = targets.packed;
  batch->pair_atom_rows = drugs.rows;
  batch->pair_token_rows = targets.rows;
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
  for (torch::Tensor* tensor : {&moved.atom_features, &moved.environments, &moved.neighbors, &moved.neighbor_bonds,
                                &moved.residues, &moved.triplets, &moved.token_mask, &moved.drug, &moved.target,
                                &moved.pair_atom_rows, &moved.pair_token_rows}) {
    *tensor = tensor->to(device);
  }
  for (torch::Tensor* tensor : {&moved.protein_features, &moved.token_protein}) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  for (RowRanges* ranges : {&moved.molecules, &moved.proteins, &moved.drug_atoms, &moved.target_tokens,
                            &moved.pair_atoms, &moved.pair_tokens}) {
    *ranges = ranges->To(device);
  }
  return moved;
}

}  // namespace deepbindnet
