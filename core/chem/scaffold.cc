#include "core/chem/scaffold.h"

#include <GraphMol/ChemTransforms/ChemTransforms.h>
#include <GraphMol/RWMol.h>
#include <GraphMol/RingInfo.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <memory>

#include "core/chem/rdkit_util.h"

namespace deepbindnet {

absl::StatusOr<std::string> MurckoScaffold(absl::string_view smiles) {
  return CatchRdkit(smiles, [smiles]() -> absl::StatusOr<std::string> {
    DBN_ASSIGN_OR_RETURN(const std::shared_ptr<RDKit::RWMol> molecule, ReadSmiles(smiles));
    if (molecule->getRingInfo()->numRings() == 0) return std::string();
    const std::unique_ptr<RDKit::ROMol> scaffold(RDKit::MurckoDecompose(*molecule));
    return RDKit::MolToSmiles(*scaffold, /*doIsomericSmiles=*/false);
  });
}

}  // namespace deepbindnet
