// From SMILES to a molecular graph, by RDKit. Built only with DEEPBINDNET_WITH_RDKIT.
#ifndef DEEPBINDNET_CORE_CHEM_MOLECULE_H_
#define DEEPBINDNET_CORE_CHEM_MOLECULE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/chem/molecular_graph.h"

namespace deepbindnet {

// Longest SMILES accepted, in characters, and most heavy atoms.
inline constexpr int kMaxSmilesLength = 4096;
inline constexpr int kMaxAtoms = 1000;

struct Molecule {
  std::string canonical_smiles;  // RDKit's, isomeric: equal for every SMILES of one molecule, its own canonical form.
  MolecularGraph graph;          // Atoms in the order of canonical_smiles, so that equal molecules give equal graphs.
};

// Atom maps ("[CH3:7]") are left out. INVALID_ARGUMENT with reason INVALID_SMILES for text that is no molecule, has no
// atom, a wildcard ("*") or no canonical form, or exceeds the limits; the message quotes the SMILES (shortened), says
// what RDKit objected to and what to do. Thread-safe. RDKit's own log stays silent. What becomes of salts, charges,
// isotopes and metals is in docs/formats/molecules_and_sequences.md.
absl::StatusOr<Molecule> ParseSmiles(absl::string_view smiles);

// The element's symbol of each atom of Molecule::graph, in its order: "C", "Cl"; "*" for an attachment point.
// INVALID_ARGUMENT (INVALID_SMILES) for text that is no molecule. Thread-safe.
absl::StatusOr<std::vector<std::string>> AtomSymbols(const std::string& canonical_smiles);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_MOLECULE_H_
