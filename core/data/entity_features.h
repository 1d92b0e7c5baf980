// Vectors that the user supplied, given to the proteins they belong to.
#ifndef DEEPBINDNET_CORE_DATA_ENTITY_FEATURES_H_
#define DEEPBINDNET_CORE_DATA_ENTITY_FEATURES_H_

#include <vector>

#include "core/base/status.h"
#include "core/data/processed_dataset.h"
#include "core/data/raw_table.h"

namespace deepbindnet {

// Sets each protein's features to those that the table has for a writing of its sequence. Returns their dimension; 0,
// and nothing is set, where the table has no column of vectors. INVALID_ARGUMENT (reason MISSING_PROTEIN_FEATURES or
// AMBIGUOUS_PROTEIN_FEATURES) names the protein that has none, or whose writings have different ones.
absl::StatusOr<int64_t> GiveFeatures(const RawTable& raw, std::vector<ProteinEntry>* proteins);

// "'MKTAYIAK...' (330 residues)", for messages.
std::string ShowProtein(absl::string_view sequence);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_ENTITY_FEATURES_H_
