#include "core/chem/fragments.h"

#include <GraphMol/ChemTransforms/MolFragmenter.h>
#include <GraphMol/RWMol.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <memory>

#include "absl/strings/str_join.h"
#include "core/chem/molecule.h"
#include "core/chem/rdkit_util.h"

namespace deepbindnet {

absl::StatusOr<std::string> JoinFragments(const std::vector<std::string>& fragments) {
  const std::string pieces = absl::StrJoin(fragments, ".");
  DBN_ASSIGN_OR_RETURN(const std::string joined, CatchRdkit(pieces, [&pieces]() -> absl::StatusOr<std::string> {
                         DBN_ASSIGN_OR_RETURN(const std::shared_ptr<RDKit::RWMol> apart, ReadSmiles(pieces));
                         const std::unique_ptr<RDKit::ROMol> molecule = RDKit::molzip(*apart);
                         for (const RDKit::Atom* atom : molecule->atoms()) {
                           if (atom->getAtomicNum() == 0) {
                             return InvalidSmiles(pieces, "has an attachment point without a partner");
                           }
                         }
                         return RDKit::MolToSmiles(*molecule);
                       }));
  // The joined molecule has not been sanitised; reading it as any other checks its valences.
  DBN_ASSIGN_OR_RETURN(Molecule molecule, ParseSmiles(joined));
  return molecule.canonical_smiles;
}

}  // namespace deepbindnet
