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

// Some entities one behind the other.
struct Selection {
  Ranges ranges;
  Rows rows;  // Of the table.
};

// With `gap` empty rows behind each, and more up to what RoundRows says and to `least` rows; behind the entities come
// ranges of the first row, up to `least_ranges`.
template <typename Places>
Selection Select(const Places& places, const Rows& entities, int64_t gap, int64_t quantum, int64_t least,
                 int64_t least_ranges) {
  Selection selection;
  Rows& rows = selection.rows;
  for (const int64_t entity : entities) {
    const int64_t count = places.count[entity];
    selection.ranges.Add(static_cast<int64_t>(rows.size()), count);
    for (int64_t i = 0; i < count; ++i) rows.push_back(places.first[entity] + i);
    rows.insert(rows.end(), gap, places.rows);
  }
  rows.resize(std::max(least, RoundRows(static_cast<int64_t>(rows.size()), quantum)), places.rows);
  while (static_cast<int64_t>(selection.ranges.first.size()) < least_ranges) selection.ranges.Add(0, 1);
  return selection;
}

using List = PackedBatch::List;
using RangeLists = PackedBatch::RangeLists;

List Append(const Rows& list, PackedBatch* packed) {
  const auto first = static_cast<int64_t>(packed->integers.size());
  packed->integers.insert(packed->integers.end(), list.begin(), list.end());
  return {first, static_cast<int64_t>(list.size())};
}

RangeLists Append(const Ranges& ranges, int64_t most, PackedBatch* packed) {
  const int64_t total = std::accumulate(ranges.count.begin(), ranges.count.end(), int64_t{0});
  most = std::max(most, *std::max_element(ranges.count.begin(), ranges.count.end()));
  return {Append(ranges.first, packed), Append(ranges.count, packed), most, total};
}

// One side of all pairs, whose entities are `selected`; of at least `least` rows.
void PackPairs(const Rows& entity_of, const Ranges& selected, int64_t least, int64_t most, RangeLists* entity,
               RangeLists* pairs, List* rows, PackedBatch* packed) {
  Ranges of_entity, of_packed;
  Rows list;
  for (const int64_t i : entity_of) {
    const int64_t first = selected.first[i], count = selected.count[i];
    of_entity.Add(first, count);
    of_packed.Add(static_cast<int64_t>(list.size()), count);
    for (int64_t row = 0; row < count; ++row) list.push_back(first + row);
  }
  list.resize(std::max(least, RoundRows(static_cast<int64_t>(list.size()), kRowQuantum)), 0);
  *entity = Append(of_entity, most, packed);
  *pairs = Append(of_packed, most, packed);
  *rows = Append(list, packed);
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

PackedBatch EntityTable::Pack(const std::vector<PairIndex>& pairs, const BatchSizes& least) const {
  Distinct drugs, targets;
  Rows drug_of, target_of;
  for (const PairIndex& pair : pairs) {
    drug_of.push_back(drugs.Add(pair.drug));
    target_of.push_back(targets.Add(pair.target));
  }
  const Selection atoms = Select(atoms_, drugs.entities(), 0, kRowQuantum, least.atoms, least.molecules);
  const Selection tokens = Select(tokens_, targets.entities(), kTokenGap, kTokenQuantum, least.tokens, least.proteins);
  PackedBatch packed;
  packed.atom_rows = Append(atoms.rows, &packed);
  packed.token_rows = Append(tokens.rows, &packed);
  packed.molecules = Append(atoms.ranges, least.most_atoms, &packed);
  packed.proteins = Append(tokens.ranges, least.most_tokens, &packed);
  packed.drug = Append(drug_of, &packed);
  packed.target = Append(target_of, &packed);
  PackPairs(drug_of, atoms.ranges, least.pair_atoms, least.most_atoms, &packed.drug_atoms, &packed.pair_atoms,
            &packed.pair_atom_rows, &packed);
  PackPairs(target_of, tokens.ranges, least.pair_tokens, least.most_tokens, &packed.target_tokens, &packed.pair_tokens,
            &packed.pair_token_rows, &packed);
  if (features_.defined()) {
    Rows token_protein(tokens.rows.size(), 0), proteins = targets.entities();
    for (size_t p = 0; p < proteins.size(); ++p) {
      std::fill_n(token_protein.begin() + tokens.ranges.first[p], tokens.ranges.count[p], static_cast<int64_t>(p));
    }
    proteins.resize(tokens.ranges.first.size(), 0);
    packed.token_protein = Append(token_protein, &packed);
    packed.protein_rows = Append(proteins, &packed);
  }
  return packed;
}

PairBatch EntityTable::Cut(const PackedBatch& packed, const torch::Tensor& integers) const {
  const auto list = [&](const List& part) { return integers.narrow(0, part.first, part.count); };
  const auto ranges = [&](const RangeLists& part) {
    return RowRanges{list(part.first), list(part.count), part.most, part.total};
  };
  const torch::Tensor atom_rows = list(packed.atom_rows), token_rows = list(packed.token_rows);
  const auto cut = [](const torch::Tensor& table, const torch::Tensor& rows) {
    return table.index_select(0, rows).to(torch::kInt64);
  };
  PairBatch batch;
  batch.atom_features = cut(atom_features_, atom_rows);
  batch.environments = cut(environments_, atom_rows);
  batch.neighbors = cut(neighbor_offsets_, atom_rows).add_(torch::arange(atom_rows.size(0), device_).unsqueeze(1));
  batch.neighbor_bonds = cut(neighbor_bonds_, atom_rows);
  batch.molecules = ranges(packed.molecules);
  batch.residues = cut(residues_, token_rows);
  batch.triplets = cut(triplets_, token_rows);
  batch.token_mask = token_mask_.index_select(0, token_rows);
  batch.proteins = ranges(packed.proteins);
  if (features_.defined()) {
    batch.protein_features = features_.index_select(0, list(packed.protein_rows));
    batch.token_protein = list(packed.token_protein);
  }
  batch.drug = list(packed.drug);
  batch.target = list(packed.target);
  batch.drug_atoms = ranges(packed.drug_atoms);
  batch.target_tokens = ranges(packed.target_tokens);
  batch.pair_atoms = ranges(packed.pair_atoms);
  batch.pair_tokens = ranges(packed.pair_tokens);
  batch.pair_atom_rows = list(packed.pair_atom_rows);
  batch.pair_token_rows = list(packed.pair_token_rows);
  return batch;
}

PairBatch EntityTable::Cut(const std::vector<PairIndex>& pairs) const {
  const PackedBatch packed = Pack(pairs, BatchSizes());
  return Cut(packed, ToDevice(packed.integers, device_));
}

torch::Tensor ToDevice(const std::vector<int64_t>& integers, const torch::Device& device) {
  const auto options = torch::TensorOptions(torch::kInt64).pinned_memory(device.is_cuda());
  const torch::Tensor host = torch::empty({static_cast<int64_t>(integers.size())}, options);
  std::copy(integers.begin(), integers.end(), host.data_ptr<int64_t>());
  return host.to(device, /*non_blocking=*/true);
}

}  // namespace deepbindnet
