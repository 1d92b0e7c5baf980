// Any text as SMILES: refused, or a molecule whose canonical SMILES is the same molecule.
#include <cstdint>
#include <cstdlib>

#include "core/chem/molecule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto molecule = deepbindnet::ParseSmiles({reinterpret_cast<const char*>(data), size});
  if (!molecule.ok()) return 0;
  const auto again = deepbindnet::ParseSmiles(molecule->canonical_smiles);
  if (!again.ok() || again->canonical_smiles != molecule->canonical_smiles) std::abort();
  return 0;
}
