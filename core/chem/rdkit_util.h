// What the sources of this folder share about RDKit: one place where its exceptions become Status, and one way to read
// SMILES. Names RDKit's types without including its headers.
#ifndef DEEPBINDNET_CORE_CHEM_RDKIT_UTIL_H_
#define DEEPBINDNET_CORE_CHEM_RDKIT_UTIL_H_

#include <exception>
#include <memory>
#include <new>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace RDKit {
class RWMol;
}  // namespace RDKit

namespace deepbindnet {

// INVALID_ARGUMENT with reason INVALID_SMILES: "'<smiles, shortened>' <problem>".
absl::Status InvalidSmiles(absl::string_view smiles, absl::string_view problem);

// What RDKit says of a structure that it refuses, and what to do where that is clear.
std::string ExplainRefusal(absl::string_view what);

// Runs `body`, which returns a StatusOr, and turns an exception of RDKit about `smiles` into InvalidSmiles(),
// but one for want of memory into RESOURCE_EXHAUSTED.
template <typename Body>
auto CatchRdkit(absl::string_view smiles, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory at a SMILES; give the program more, or close others");
  } catch (const std::exception& error) {
    return InvalidSmiles(smiles, ExplainRefusal(error.what()));
  }
}

// A sanitised molecule without removable hydrogens; stereochemistry is assigned. The text is SMILES alone: no name and
// no extension may follow it. Silences RDKit's log for the whole process. May throw RDKit's exceptions: call it in
// CatchRdkit.
absl::StatusOr<std::shared_ptr<RDKit::RWMol>> ReadSmiles(absl::string_view smiles);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_RDKIT_UTIL_H_
