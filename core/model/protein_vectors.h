// The vectors of the proteins that a model with protein features was trained on, which its checkpoint carries.
#ifndef DEEPBINDNET_CORE_MODEL_PROTEIN_VECTORS_H_
#define DEEPBINDNET_CORE_MODEL_PROTEIN_VECTORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/compute/torch_util.h"
#include "core/data/processed_dataset.h"

namespace deepbindnet {

// Sequence, in upper case without white space, to its vector [protein_feature_dim].
using ProteinVectors = std::map<std::string, std::vector<float>>;

// Those of the data set's proteins; empty where it has none.
ProteinVectors VectorsOf(const ProcessedDataset& dataset);

// `sequences` (list of strings, in order) and `vectors` ([proteins, dimension] float32).
TensorDict EncodeProteinVectors(const ProteinVectors& vectors, int64_t dimension);

// INVALID_ARGUMENT naming the entry where one is missing, has another shape or a value that is not finite.
absl::StatusOr<ProteinVectors> DecodeProteinVectors(const TensorDict& dict, int64_t dimension);

// Gives the proteins of a data set without features those of `known`. FAILED_PRECONDITION (reason OTHER_FEATURES) where
// the data set's features have another dimension than `dimension`, the model's, or where it has none and a protein is
// not known; the message says what to do. Nothing to do for a model without features.
absl::Status MatchFeatures(const ProteinVectors& known, int64_t dimension, ProcessedDataset* dataset);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_PROTEIN_VECTORS_H_
