// A small data set that the product makes itself, for its demo and its tests. Built only with DEEPBINDNET_WITH_RDKIT.
#ifndef DEEPBINDNET_CORE_DATA_SYNTHESIZE_H_
#define DEEPBINDNET_CORE_DATA_SYNTHESIZE_H_

#include <cstdint>
#include <string>

#include "core/base/status.h"

namespace deepbindnet {

struct SynthesizeOptions {
  int64_t pairs = 4000;  // 100..1,000,000
  uint64_t seed = 42;
};

// Writes `path` atomically as a CSV with the columns of KIBA.csv (compound_iso_smiles, target_sequence and an affinity
// column "pKd") and returns the number of distinct molecules and proteins in a sentence for people. The generating
// rule is in docs/synthetic-data.md: the affinity depends on the product of molecular substructures and planted
// sequence motifs, so that no sum of a drug's and a target's effect can explain it.
absl::StatusOr<std::string> Synthesize(const std::string& path, const SynthesizeOptions& options);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_SYNTHESIZE_H_
