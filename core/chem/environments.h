// Circular environments of atoms: which substructure an atom is the centre of. Free of RDKit and of torch.
#ifndef DEEPBINDNET_CORE_CHEM_ENVIRONMENTS_H_
#define DEEPBINDNET_CORE_CHEM_ENVIRONMENTS_H_

#include <cstdint>
#include <vector>

#include "core/chem/molecular_graph.h"

namespace deepbindnet {

// For every atom and every radius of 1 to kEnvironmentRadii bonds, the code of what lies within that radius: a hash of
// the features of its atoms and bonds and of how they hang together, folded into kEnvironmentCodes values. Built by
// iteration as in Morgan's algorithm and extended-connectivity fingerprints (Rogers and Hahn 2010): radius 0 is the
// atom itself; radius r joins the code of radius r - 1 with the sorted (bond, code) pairs of the neighbours. Equal
// environments have equal codes whatever the order of atoms and bonds; different ones may share a code. The codes are
// part of what a model has learned: they are the same on every machine.
// Shape: [atoms, kEnvironmentRadii], row-major; each in [0, kEnvironmentCodes).
std::vector<uint16_t> AtomEnvironments(const MolecularGraph& graph);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_ENVIRONMENTS_H_
