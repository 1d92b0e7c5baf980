// Molecules and proteins as flat tensors with offsets, the contents of entities.pt (docs/formats/processed.md).
#ifndef DEEPBINDNET_CORE_DATA_ENTITY_CODEC_H_
#define DEEPBINDNET_CORE_DATA_ENTITY_CODEC_H_

#include <vector>

#include "core/base/status.h"
#include "core/compute/torch_util.h"
#include "core/data/processed_dataset.h"

namespace deepbindnet {

TensorDict EncodeEntities(const std::vector<MoleculeEntry>& molecules, const std::vector<ProteinEntry>& proteins);

// The features of all proteins have one dimension, 0 included.
// INVALID_ARGUMENT naming the entry where one is missing, has another shape, or an offset, an atom index or a category
// is out of range; also for another feature version.
absl::Status DecodeEntities(const TensorDict& dict, std::vector<MoleculeEntry>* molecules,
                            std::vector<ProteinEntry>* proteins);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_ENTITY_CODEC_H_
