// Any text as a protein sequence: refused, or one token in range for each residue.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/chem/protein.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto protein = deepbindnet::ParseSequence({reinterpret_cast<const char*>(data), size});
  if (!protein.ok()) return 0;
  const bool in_range = std::all_of(protein->tokens.begin(), protein->tokens.end(), [](uint8_t token) {
    return token >= 1 && token < deepbindnet::kResidueVocabulary;
  });
  if (protein->tokens.empty() || protein->tokens.size() != protein->sequence.size() || !in_range) std::abort();
  return 0;
}
