#include "core/data/entity_table.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "core/chem/environments.h"
#include "core/chem/protein.h"

namespace deepbindnet {
namespace {

using Rows = std::vector<int64_t>;

// What sizes are rounded up to.
constexpr int64_t kRowQuantum = 1024, kTokenQuantum = 256;
// Empty tokens behind each protein: at least the reach of a convolution over tokens, so that no protein sees another.
constexpr int64_t kTokenGap = 2;
constexpr uint8_t kStandardResidues = 20;  // The first residue tokens.

// What the table's columns hold.
static_assert(kEnvironmentRadii * kEnvironmentCodes <= INT16_MAX && kBondCodes <= INT16_MAX);
static_assert(kTripletCodes <= INT16_MAX && kResidueVocabulary <= INT8_MAX);

int64_t RoundUp(int64_t value, int64_t quantum) { return (value + quantum - 1) / quantum * quantum; }

// Up to a multiple of `quantum`, or of a smaller power of two, at least 64, where that suffices: one pair is not to
// cost a thousand rows.
int64_t RoundRows(int64_t rows, int64_t quantum) {
  int64_t power = 64;
  while (power < rows && power < quantum) power *= 2;
  return RoundUp(rows, power);
}

int64_t BondCode(const uint8_t* features) {
  int64_t code = 0;
  for (int c = 0; c < kBondFeatures; ++c) code = code * kBondFeatureSizes[c] + features[c];
  return code;
}

int64_t MaxDegree(const std::vector<const MolecularGraph*>& molecules) {
  int64_t most = 1;
  for (const MolecularGraph* molecule : molecules) {
    if (molecule == nullptr) continue;
    Rows degree(molecule->atoms(), 0);
    for (const int32_t atom : molecule->bond_atoms) most = std::max(most, ++degree[atom]);
  }
  return most;
}

void PackAtoms(const MolecularGraph& graph, int16_t* features, int16_t* environments) {
  for (int a = 0; a < graph.atoms(); ++a) {
    int offset = 0;
    for (int c = 0; c < kAtomFeatures; ++c) {
      *features++ = static_cast<int16_t>(offset + graph.atom_features[a * kAtomFeatures + c]);
      offset += kAtomFeatureSizes[c];
    }
    for (int r = 0; r < kEnvironmentRadii; ++r) {
      *environments++ = static_cast<int16_t>(r * kEnvironmentCodes + graph.environments[a * kEnvironmentRadii + r]);
    }
  }
}

// Both are [atoms, degree] and empty before.
void PackBonds(const MolecularGraph& graph, int64_t degree, int32_t* offsets, int16_t* bonds) {
  Rows used(graph.atoms(), 0);
  for (int b = 0; b < graph.bonds(); ++b) {
    const int64_t code = BondCode(&graph.bond_features[static_cast<size_t>(b) * kBondFeatures]);
    for (const int end : {0, 1}) {
      const int32_t atom = graph.bond_atoms[2 * b + end], other = graph.bond_atoms[2 * b + 1 - end];
      const int64_t slot = atom * degree + used[atom]++;
      offsets[slot] = other - atom;
      bonds[slot] = static_cast<int16_t>(code);
    }
  }
}

void PackTriplets(const std::vector<uint8_t>& protein, int16_t* triplets) {
  const auto residue = [&](size_t i) {  // protein.size() and, by wrapping around, -1 lie beyond the ends.
    return i < protein.size() ? std::min<int>(protein[i], kStandardResidues + 1) : 0;
  };
  for (size_t i = 0; i < protein.size(); ++i) {
    triplets[i] =
        static_cast<int16_t>((residue(i - 1) * kTripletAlphabet + residue(i)) * kTripletAlphabet + residue(i + 1));
  }
}

// Distinct entities in order of first use.
class Distinct {
 public:
  int64_t Add(int32_t entity) {
    const auto [found, inserted] = index_.emplace(entity, static_cast<int64_t>(entities_.size()));
    if (inserted) entities_.push_back(entity);
    return found->second;
  }
  const Rows& entities() const { return entities_; }

 private:
  std::unordered_map<int32_t, int64_t> index_;
  Rows entities_;
};

// Consecutive rows of several items.
struct Ranges {
  Rows first, count;
  void Add(int64_t start, int64_t size) {
    first.push_back(start);
    count.push_back(size);
  }
};

// Lists of integers on their way to a device, in one piece.
class Upload {
 public:
  // `tensor` is the list on the device after Send().
  void Add(const Rows& list, torch::Tensor* tensor) {
    parts_.push_back({static_cast<int64_t>(all_.size()), static_cast<int64_t>(list.size()), tensor});
    all_.insert(all_.end(), list.begin(), list.end());
  }
  void Add(const Ranges& ranges, RowRanges* tensors) {
    Add(ranges.first, &tensors->first);
    Add(ranges.count, &tensors->count);
    tensors->most = *std::max_element(ranges.count.begin(), ranges.count.end());
    tensors->total = std::accumulate(ranges.count.begin(), ranges.count.end(), int64_t{0});
  }
  void Send(const torch::Device& device) const {
    const auto options = torch::TensorOptions(torch::kInt64).pinned_memory(device.is_cuda());
    torch::Tensor moved = torch::empty({static_cast<int64_t>(all_.size())}, options);
    std::copy(all_.begin(), all_.end(), moved.data_ptr<int64_t>());
    moved = moved.to(device, /*non_blocking=*/true);
    for (const Part& part : parts_) *part.tensor = moved.narrow(0, part.first, part.count);
  }

 private:
  struct Part {
    int64_t first, count;
    torch::Tensor* tensor;
  };
  Rows all_;
  std::vector<Part> parts_;
};

// Some entities one behind the other.
struct Selection {
  Ranges ranges;
  Rows rows;  // Of the table.
};

// With `gap` empty rows behind each, and more up to what RoundRows says.
template <typename Places>
Selection Select(const Places& places, const Rows& entities, int64_t gap, int64_t quantum) {
  Selection selection;
  Rows& rows = selection.rows;
  for (const int64_t entity : entities) {
    const int64_t count = places.count[entity];
    selection.ranges.Add(static_cast<int64_t>(rows.size()), count);
    for (int64_t i = 0; i < count; ++i) rows.push_back(places.first[entity] + i);
    rows.insert(rows.end(), gap, places.rows);
  }
  rows.resize(RoundRows(static_cast<int64_t>(rows.size()), quantum), places.rows);
  return selection;
}

// One side of all pairs, whose entities are `selected`.
void PackPairs(const Rows& entity_of, const Ranges& selected, RowRanges* entity, RowRanges* packed, torch::Tensor* rows,
               Upload* upload) {
  Ranges of_entity, of_packed;
  Rows list;
  for (const int64_t i : entity_of) {
    const int64_t first = selected.first[i], count = selected.count[i];
    of_entity.Add(first, count);
    of_packed.Add(static_cast<int64_t>(list.size()), count);
    for (int64_t row = 0; row < count; ++row) list.push_back(first + row);
  }
  list.resize(RoundRows(static_cast<int64_t>(list.size()), kRowQuantum), 0);
  upload->Add(of_entity, entity);
  upload->Add(of_packed, packed);
  upload->Add(list, rows);
}

}  // namespace

EntityTable::EntityTable(const std::vector<const MolecularGraph*>& molecules,
                         const std::vector<const std::vector<uint8_t>*>& proteins, int residues_per_token,
                         const FeatureList& features, const torch::Device& device)
    : device_(device) {
  PackMolecules(molecules);
  PackProteins(proteins, residues_per_token);
  if (!features.empty()) {
    size_t width = 0;
    for (const std::vector<float>* vector : features) width = vector == nullptr ? width : vector->size();
    features_ = torch::zeros({static_cast<int64_t>(features.size()), static_cast<int64_t>(width)}, torch::kFloat32);
    for (size_t p = 0; p < features.size(); ++p) {
      if (features[p] != nullptr)
        std::copy(features[p]->begin(), features[p]->end(), features_.data_ptr<float>() + p * width);
    }
  }
  for (torch::Tensor* tensor : {&atom_features_, &environments_, &neighbor_offsets_, &neighbor_bonds_, &residues_,
                                &triplets_, &token_mask_, &features_}) {
    if (tensor->defined()) *tensor = tensor->to(device_);
  }
}

void EntityTable::PackMolecules(const std::vector<const MolecularGraph*>& molecules) {
  for (const MolecularGraph* molecule : molecules) {
    atoms_.Add(molecule == nullptr ? 0 : molecule->atoms());
  }
  const int64_t rows = atoms_.rows + 1, degree = MaxDegree(molecules);
  atom_features_ = torch::zeros({rows, kAtomFeatures}, torch::kInt16);
  environments_ = torch::full({rows, kEnvironmentRadii}, -1, torch::kInt16);
  neighbor_offsets_ = torch::zeros({rows, degree}, torch::kInt32);
  neighbor_bonds_ = torch::full({rows, degree}, -1, torch::kInt16);
  for (size_t m = 0; m < molecules.size(); ++m) {
    if (molecules[m] == nullptr) continue;
    const int64_t first = atoms_.first[m];
    PackAtoms(*molecules[m], atom_features_.data_ptr<int16_t>() + first * kAtomFeatures,
              environments_.data_ptr<int16_t>() + first * kEnvironmentRadii);
    PackBonds(*molecules[m], degree, neighbor_offsets_.data_ptr<int32_t>() + first * degree,
              neighbor_bonds_.data_ptr<int16_t>() + first * degree);
  }
}

void EntityTable::PackProteins(const std::vector<const std::vector<uint8_t>*>& proteins, int residues_per_token) {
  for (const auto* protein : proteins) {
    const auto residues = static_cast<int64_t>(protein == nullptr ? 0 : protein->size());
    tokens_.Add(RoundUp(residues, residues_per_token) / residues_per_token);
  }
  residues_ = torch::full({tokens_.rows + 1, residues_per_token}, -1, torch::kInt8);
  triplets_ = torch::full({tokens_.rows + 1, residues_per_token}, -1, torch::kInt16);
  token_mask_ = torch::ones({tokens_.rows + 1, 1}, torch::kFloat32);
  token_mask_[tokens_.rows] = 0;
  for (size_t p = 0; p < proteins.size(); ++p) {
    if (proteins[p] == nullptr) continue;
    const int64_t at = tokens_.first[p] * residues_per_token;
    std::copy(proteins[p]->begin(), proteins[p]->end(), residues_.data_ptr<int8_t>() + at);
    PackTriplets(*proteins[p], triplets_.data_ptr<int16_t>() + at);
  }
}

PairBatch EntityTable::Cut(const std::vector<PairIndex>& pairs) const {
  Distinct drugs, targets;
  Rows drug_of, target_of;
  for (const PairIndex& pair : pairs) {
    drug_of.push_back(drugs.Add(pair.drug));
    target_of.push_back(targets.Add(pair.target));
  }
  const Selection atoms = Select(atoms_, drugs.entities(), 0, kRowQuantum);
  const Selection tokens = Select(tokens_, targets.entities(), kTokenGap, kTokenQuantum);
  PairBatch batch;
  torch::Tensor atom_rows, token_rows, proteins;
  Upload upload;
  upload.Add(atoms.rows, &atom_rows);
  upload.Add(tokens.rows, &token_rows);
  upload.Add(atoms.ranges, &batch.molecules);
  upload.Add(tokens.ranges, &batch.proteins);
  upload.Add(drug_of, &batch.drug);
  upload.Add(target_of, &batch.target);
  PackPairs(drug_of, atoms.ranges, &batch.drug_atoms, &batch.pair_atoms, &batch.pair_atom_rows, &upload);
  PackPairs(target_of, tokens.ranges, &batch.target_tokens, &batch.pair_tokens, &batch.pair_token_rows, &upload);
  if (features_.defined()) {
    Rows token_protein(tokens.rows.size(), 0);
    for (size_t p = 0; p < targets.entities().size(); ++p) {
      std::fill_n(token_protein.begin() + tokens.ranges.first[p], tokens.ranges.count[p], static_cast<int64_t>(p));
    }
    upload.Add(token_protein, &batch.token_protein);
    upload.Add(targets.entities(), &proteins);
  }
  upload.Send(device_);

  const auto cut = [](const torch::Tensor& table, const torch::Tensor& rows) {
    return table.index_select(0, rows).to(torch::kInt64);
  };
  batch.atom_features = cut(atom_features_, atom_rows);
  batch.environments = cut(environments_, atom_rows);
  batch.neighbors = cut(neighbor_offsets_, atom_rows).add_(torch::arange(atom_rows.size(0), device_).unsqueeze(1));
  batch.neighbor_bonds = cut(neighbor_bonds_, atom_rows);
  batch.residues = cut(residues_, token_rows);
  batch.triplets = cut(triplets_, token_rows);
  batch.token_mask = token_mask_.index_select(0, token_rows);
  if (features_.defined()) batch.protein_features = features_.index_select(0, proteins);
  return batch;
}

}  // namespace deepbindnet
