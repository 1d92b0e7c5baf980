#include "core/data/entity_codec.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/limits.h"
#include "core/chem/environments.h"
#include "core/chem/molecular_graph.h"
#include "core/chem/protein.h"
#include "core/data/tensor_columns.h"

namespace deepbindnet {
namespace {

template <typename T>
void Extend(const std::vector<T>& from, std::vector<T>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

// Elements [begin, end) of `flat`, in units of `width`.
template <typename T>
std::vector<T> Slice(const std::vector<T>& flat, int64_t begin, int64_t end, int64_t width) {
  return std::vector<T>(flat.begin() + begin * width, flat.begin() + end * width);
}

// Offsets of `count` entities into `total` elements: begin at 0, never fall, end at total.
absl::StatusOr<std::vector<int64_t>> GetOffsets(const TensorDict& dict, const std::string& key, int64_t count,
                                                int64_t total) {
  DBN_ASSIGN_OR_RETURN(std::vector<int64_t> offsets, GetColumn<int64_t>(dict, key, count + 1));
  if (offsets.front() == 0 && offsets.back() == total && std::is_sorted(offsets.begin(), offsets.end())) return offsets;
  return absl::InvalidArgumentError(absl::StrCat("'", key, "' does not divide ", total, " elements"));
}

template <size_t kColumns>
absl::Status CheckCategories(const std::vector<uint8_t>& features, const std::array<int, kColumns>& sizes,
                             const std::string& key) {
  for (size_t i = 0; i < features.size(); ++i) {
    if (features[i] >= sizes[i % kColumns]) {
      return absl::InvalidArgumentError(absl::StrCat("'", key, "' has a category that is out of range"));
    }
  }
  return absl::OkStatus();
}

void EncodeMolecules(const std::vector<MoleculeEntry>& molecules, TensorDict* dict) {
  c10::List<std::string> smiles;
  std::vector<uint8_t> atom_features;
  std::vector<int32_t> bond_atoms;
  std::vector<uint8_t> bond_features;
  std::vector<int64_t> atom_offsets = {0};
  std::vector<int64_t> bond_offsets = {0};
  for (const MoleculeEntry& molecule : molecules) {
    smiles.push_back(molecule.canonical_smiles);
    Extend(molecule.graph.atom_features, &atom_features);
    Extend(molecule.graph.bond_atoms, &bond_atoms);
    Extend(molecule.graph.bond_features, &bond_features);
    atom_offsets.push_back(atom_offsets.back() + molecule.graph.atoms());
    bond_offsets.push_back(bond_offsets.back() + molecule.graph.bonds());
  }
  dict->insert("smiles", smiles);
  dict->insert("atom_offsets", MakeColumn(atom_offsets));
  dict->insert("atom_features", MakeColumn(atom_features, kAtomFeatures));
  dict->insert("bond_offsets", MakeColumn(bond_offsets));
  dict->insert("bond_atoms", MakeColumn(bond_atoms, 2));
  dict->insert("bond_features", MakeColumn(bond_features, kBondFeatures));
}

void EncodeProteins(const std::vector<ProteinEntry>& proteins, TensorDict* dict) {
  c10::List<std::string> sequences;
  std::vector<uint8_t> tokens;
  std::vector<int64_t> offsets = {0};
  for (const ProteinEntry& protein : proteins) {
    sequences.push_back(protein.sequence);
    Extend(protein.tokens, &tokens);
    offsets.push_back(static_cast<int64_t>(tokens.size()));
  }
  dict->insert("sequences", sequences);
  dict->insert("residue_offsets", MakeColumn(offsets));
  dict->insert("residue_tokens", MakeColumn(tokens));
  const size_t dimension = proteins.empty() ? 0 : proteins.front().features.size();
  if (dimension == 0) return;  // No entry: the file is as it was before there were features.
  std::vector<float> features;
  for (const ProteinEntry& protein : proteins) Extend(protein.features, &features);
  dict->insert("protein_features", MakeColumn(features, static_cast<int64_t>(dimension)));
}

absl::Status DecodeMolecules(const TensorDict& dict, std::vector<MoleculeEntry>* molecules) {
  DBN_ASSIGN_OR_RETURN(std::vector<std::string> smiles, GetStrings(dict, "smiles"));
  DBN_ASSIGN_OR_RETURN(const auto atom_features, GetColumn<uint8_t>(dict, "atom_features", -1, kAtomFeatures));
  DBN_ASSIGN_OR_RETURN(const auto bond_features, GetColumn<uint8_t>(dict, "bond_features", -1, kBondFeatures));
  const auto count = static_cast<int64_t>(smiles.size());
  const auto atoms = static_cast<int64_t>(atom_features.size()) / kAtomFeatures;
  const auto bonds = static_cast<int64_t>(bond_features.size()) / kBondFeatures;
  DBN_ASSIGN_OR_RETURN(const auto bond_atoms, GetColumn<int32_t>(dict, "bond_atoms", bonds, 2));
  DBN_ASSIGN_OR_RETURN(const auto atom_offsets, GetOffsets(dict, "atom_offsets", count, atoms));
  DBN_ASSIGN_OR_RETURN(const auto bond_offsets, GetOffsets(dict, "bond_offsets", count, bonds));
  DBN_RETURN_IF_ERROR(CheckCategories(atom_features, kAtomFeatureSizes, "atom_features"));
  DBN_RETURN_IF_ERROR(CheckCategories(bond_features, kBondFeatureSizes, "bond_features"));
  molecules->clear();
  for (size_t i = 0; i < smiles.size(); ++i) {
    MoleculeEntry molecule;
    molecule.canonical_smiles = std::move(smiles[i]);
    molecule.graph.atom_features = Slice(atom_features, atom_offsets[i], atom_offsets[i + 1], kAtomFeatures);
    molecule.graph.bond_atoms = Slice(bond_atoms, bond_offsets[i], bond_offsets[i + 1], 2);
    molecule.graph.bond_features = Slice(bond_features, bond_offsets[i], bond_offsets[i + 1], kBondFeatures);
    if (molecule.graph.atoms() == 0) return absl::InvalidArgumentError("'atom_offsets' has a molecule without atoms");
    DBN_RETURN_IF_ERROR(CheckRange(molecule.graph.bond_atoms, molecule.graph.atoms(), "bond_atoms"));
    molecule.graph.environments = AtomEnvironments(molecule.graph);
    molecules->push_back(std::move(molecule));
  }
  return absl::OkStatus();
}

absl::Status DecodeFeatures(const TensorDict& dict, std::vector<ProteinEntry>* proteins) {
  if (!dict.contains("protein_features")) return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(const torch::Tensor tensor, GetTensor(dict, "protein_features"));
  const int64_t width = tensor.dim() == 2 ? tensor.size(1) : 0;
  if (width < 1 || width > kMaxProteinFeatureDim) {
    return absl::InvalidArgumentError("'protein_features' has another shape or type than expected");
  }
  DBN_ASSIGN_OR_RETURN(const auto features,
                       GetColumn<float>(dict, "protein_features", static_cast<int64_t>(proteins->size()), width));
  if (!std::all_of(features.begin(), features.end(), [](float value) { return std::isfinite(value); })) {
    return absl::InvalidArgumentError("'protein_features' has a value that is not finite");
  }
  for (size_t i = 0; i < proteins->size(); ++i) {
    (*proteins)[i].features = Slice(features, static_cast<int64_t>(i), static_cast<int64_t>(i) + 1, width);
  }
  return absl::OkStatus();
}

absl::Status DecodeProteins(const TensorDict& dict, std::vector<ProteinEntry>* proteins) {
  DBN_ASSIGN_OR_RETURN(std::vector<std::string> sequences, GetStrings(dict, "sequences"));
  DBN_ASSIGN_OR_RETURN(const auto tokens, GetColumn<uint8_t>(dict, "residue_tokens", -1));
  DBN_ASSIGN_OR_RETURN(const auto offsets, GetOffsets(dict, "residue_offsets", static_cast<int64_t>(sequences.size()),
                                                      static_cast<int64_t>(tokens.size())));
  DBN_RETURN_IF_ERROR(CheckRange(tokens, kResidueVocabulary, "residue_tokens"));
  proteins->clear();
  for (size_t i = 0; i < sequences.size(); ++i) {
    ProteinEntry protein;
    protein.sequence = std::move(sequences[i]);
    protein.tokens = Slice(tokens, offsets[i], offsets[i + 1], 1);
    const bool padded = std::find(protein.tokens.begin(), protein.tokens.end(), 0) != protein.tokens.end();
    if (padded || protein.tokens.empty() || protein.tokens.size() != protein.sequence.size()) {
      return absl::InvalidArgumentError("'residue_tokens' does not match 'sequences'");
    }
    proteins->push_back(std::move(protein));
  }
  return DecodeFeatures(dict, proteins);
}

}  // namespace

TensorDict EncodeEntities(const std::vector<MoleculeEntry>& molecules, const std::vector<ProteinEntry>& proteins) {
  TensorDict dict = MakeTensorDict();
  dict.insert("feature_version", int64_t{kFeatureVersion});
  EncodeMolecules(molecules, &dict);
  EncodeProteins(proteins, &dict);
  return dict;
}

absl::Status DecodeEntities(const TensorDict& dict, std::vector<MoleculeEntry>* molecules,
                            std::vector<ProteinEntry>* proteins) {
  DBN_ASSIGN_OR_RETURN(const int64_t version, GetInt(dict, "feature_version"));
  if (version != kFeatureVersion) {
    return absl::InvalidArgumentError(absl::StrCat("has feature version ", version, "; this program reads ",
                                                   kFeatureVersion, ": prepare the data set again"));
  }
  DBN_RETURN_IF_ERROR(DecodeMolecules(dict, molecules));
  return DecodeProteins(dict, proteins);
}

}  // namespace deepbindnet
