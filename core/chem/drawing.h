// Drawings of molecules whose atoms are coloured by a weight, by RDKit. Built only with DEEPBINDNET_WITH_RDKIT.
#ifndef DEEPBINDNET_CORE_CHEM_DRAWING_H_
#define DEEPBINDNET_CORE_CHEM_DRAWING_H_

#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

struct DrawingOptions {
  std::string title = "weight";  // Beside the scale's range; at most 60 characters are shown.
  bool atom_indices = false;     // Writes each atom's index, from 0, beside it.
};

// An SVG document of the molecule, each atom on a disc whose colour is its weight: from nearly white at 0 to dark
// orange at the largest weight, a scale whose lightness falls steadily, so that it reads alike for colour-blind eyes
// and in grey. Below stands the scale with its range. The document needs no other file and runs no script; equal input
// gives equal bytes. Each bond has about the same length, so large molecules make large drawings.
//
// `canonical_smiles` is Molecule::canonical_smiles, and weights[i] belongs to atom i of Molecule::graph.
// INVALID_ARGUMENT where a weight is negative or not finite, their number is not the atoms', or the SMILES cannot be
// read (INVALID_SMILES). Thread-safe.
absl::StatusOr<std::string> DrawMolecule(const std::string& canonical_smiles, const std::vector<double>& weights,
                                         const DrawingOptions& options = {});

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_DRAWING_H_
