// Molecules put together from pieces, by RDKit. Built only with DEEPBINDNET_WITH_RDKIT.
#ifndef DEEPBINDNET_CORE_CHEM_FRAGMENTS_H_
#define DEEPBINDNET_CORE_CHEM_FRAGMENTS_H_

#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// Joins fragments at their numbered attachment points: {"[*:1]c1ccccc1", "[*:1]C#N"} gives benzonitrile, "N#Cc1ccccc1".
// Returns canonical SMILES. INVALID_ARGUMENT where a fragment cannot be read, an attachment point has no partner or the
// result is no valid molecule. Thread-safe.
absl::StatusOr<std::string> JoinFragments(const std::vector<std::string>& fragments);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_FRAGMENTS_H_
