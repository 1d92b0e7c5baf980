// A molecule as the model sees it: integer categories for every heavy atom and bond. Free of RDKit and of torch.
#ifndef DEEPBINDNET_CORE_CHEM_MOLECULAR_GRAPH_H_
#define DEEPBINDNET_CORE_CHEM_MOLECULAR_GRAPH_H_

#include <array>
#include <cstdint>
#include <vector>

namespace deepbindnet {

// Columns of MolecularGraph::atom_features, with the number of categories of each; where there are more than two, the
// last is "other". Processed data and checkpoints depend on these: a change needs a new kFeatureVersion.
inline constexpr int kFeatureVersion = 1;
//                                 element, degree, charge, hydrogens, aromatic, hybridisation, ring, chirality
inline constexpr std::array<int, 8> kAtomFeatureSizes = {48, 8, 8, 6, 2, 8, 2, 4};
inline constexpr int kAtomFeatures = static_cast<int>(kAtomFeatureSizes.size());
//                                 order, conjugated, ring, stereo
inline constexpr std::array<int, 4> kBondFeatureSizes = {6, 2, 2, 5};
inline constexpr int kBondFeatures = static_cast<int>(kBondFeatureSizes.size());
// See core/chem/environments.h. Checkpoints depend on these and on how codes are made, too.
inline constexpr int kEnvironmentRadii = 3, kEnvironmentCodes = 2048;

struct MolecularGraph {
  int atoms() const { return static_cast<int>(atom_features.size()) / kAtomFeatures; }
  int bonds() const { return static_cast<int>(bond_features.size()) / kBondFeatures; }

  std::vector<uint8_t> atom_features;  // [atoms, kAtomFeatures], row-major; column c in [0, kAtomFeatureSizes[c])
  std::vector<int32_t> bond_atoms;     // [bonds, 2], row-major; each bond once, atom indices in [0, atoms)
  std::vector<uint8_t> bond_features;  // [bonds, kBondFeatures], row-major; column c in [0, kBondFeatureSizes[c])
  std::vector<uint16_t> environments;  // [atoms, kEnvironmentRadii], what AtomEnvironments() says of all the above
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_MOLECULAR_GRAPH_H_
