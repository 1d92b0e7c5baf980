// From what the network showed of itself to atoms and residues. Includes torch.
#ifndef DEEPBINDNET_CORE_INFERENCE_BUILD_EXPLANATION_H_
#define DEEPBINDNET_CORE_INFERENCE_BUILD_EXPLANATION_H_

#include <string>
#include <vector>

#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/inference/explanation.h"
#include "core/model/pair_trace.h"

namespace deepbindnet {

// All but the value, which is in the unit of a scaler. `symbols` are the atoms' (AtomSymbols), and `trace` is of the
// batch of this one pair with `residues_per_token`.
Explanation BuildExplanation(const Molecule& molecule, const std::vector<std::string>& symbols, const Protein& protein,
                             int residues_per_token, const PairTrace& trace);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_INFERENCE_BUILD_EXPLANATION_H_
