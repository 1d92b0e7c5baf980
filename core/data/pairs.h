// What is done to tables of pairs before they are a data set.
#ifndef DEEPBINDNET_CORE_DATA_PAIRS_H_
#define DEEPBINDNET_CORE_DATA_PAIRS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/data/processed_dataset.h"
#include "core/data/split.h"

namespace deepbindnet {

// Merges pairs of one (drug, target) and one part into the first of them, with the mean affinity; pairs of kTest stay
// as they are, so that published test parts keep their rows. `parts` is parallel to `pairs` and shrinks with it.
// Returns the number of pairs merged away.
int64_t MergeDuplicates(PairTable* pairs, std::vector<Part>* parts);

// The pairs of one part, in order. `parts` is parallel to `pairs`.
PairTable SelectPart(const PairTable& pairs, const std::vector<std::optional<Part>>& parts, Part part);

// Sets the manifest's test_pairs_in_train, test_drugs_in_train and test_targets_in_train.
void CountLeakage(const PairTable& train, const PairTable& test, DatasetManifest* manifest);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_PAIRS_H_
