// Bemis-Murcko scaffolds, by RDKit. Built only with DEEPBINDNET_WITH_RDKIT.
#ifndef DEEPBINDNET_CORE_CHEM_SCAFFOLD_H_
#define DEEPBINDNET_CORE_CHEM_SCAFFOLD_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Canonical SMILES of the molecule's ring systems and the chains that link them; empty for a molecule without a ring.
// Stereochemistry is left out: stereoisomers share a scaffold. INVALID_ARGUMENT as ParseSmiles. Thread-safe.
absl::StatusOr<std::string> MurckoScaffold(absl::string_view smiles);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_SCAFFOLD_H_
