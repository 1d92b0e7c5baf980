// A model on disk: weights with everything needed to use them. The format is specified in docs/formats/checkpoint.md;
// Python's torch.load reads it.
#ifndef DEEPBINDNET_CORE_MODEL_CHECKPOINT_H_
#define DEEPBINDNET_CORE_MODEL_CHECKPOINT_H_

#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/compute/torch_util.h"
#include "core/data/affinity_direction.h"
#include "core/data/scaler.h"
#include "core/model/affinity_model.h"
#include "core/model/model_options.h"
#include "core/model/protein_vectors.h"
#include "core/prior/similarity_prior.h"

namespace deepbindnet {

struct Checkpoint {
  ModelOptions options;
  Scaler scaler;
  std::string affinity_unit;  // May be empty.
  AffinityDirection affinity_direction = AffinityDirection::kUnknown;
  std::string dataset_digest;                    // Of the processed data it was trained on.
  int epoch = 0;                                 // From 1; 0 is an untrained model.
  std::string training;                          // JSON: the run's options, for the record.
  ProteinVectors protein_vectors;                // Of a model with protein features; else empty.
  std::shared_ptr<const SimilarityPrior> prior;  // Of a model with one; else null.
  TensorDict weights = MakeTensorDict();         // Parameter name -> tensor on the CPU.
  TensorDict training_state = MakeTensorDict();  // What resuming needs; empty in best_model.pt.
};

// The options as a JSON object, one field each.
std::string ModelOptionsToJson(const ModelOptions& options);

// The model's parameters by name, copied to the CPU.
TensorDict CopyWeights(const torch::nn::Module& model);

// Written atomically.
absl::Status SaveCheckpoint(const std::string& path, const Checkpoint& checkpoint);

// NOT_FOUND where there is no such file; INVALID_ARGUMENT where it is none of ours, damaged, or of a newer format. Runs
// no code from the file.
absl::StatusOr<Checkpoint> LoadCheckpoint(const std::string& path);
// The same of a file that has been read; `path` is for messages.
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string contents, const std::string& path);

// A model of the checkpoint's options with its prior and its weights on `device`, in evaluation mode. INVALID_ARGUMENT
// where a weight is missing, has another shape, or is not finite; the message names it.
absl::StatusOr<AffinityModel> MakeModel(const Checkpoint& checkpoint, const torch::Device& device);

// Everything of one reading of a file, whatever is written to its place meanwhile.
struct LoadedModel {
  Checkpoint checkpoint;
  AffinityModel model{nullptr};  // As MakeModel's.
  std::string digest;            // SHA-256 (hex) of the file.
};

// LoadCheckpoint and MakeModel; the errors of both name the file.
absl::StatusOr<LoadedModel> LoadModel(const std::string& path, const torch::Device& device);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_CHECKPOINT_H_
