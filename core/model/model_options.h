// What decides the network. Written into every checkpoint, so that nothing else has to know a model's sizes.
#ifndef DEEPBINDNET_CORE_MODEL_MODEL_OPTIONS_H_
#define DEEPBINDNET_CORE_MODEL_MODEL_OPTIONS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

enum class ModelType { kGated, kStandard };
enum class GateKind { kVector, kHead, kScalar };

// The defaults are the small model, of 1,510,654 trainable parameters (standard: 1,494,142); hidden_dim 256,
// feature_dim 512, fusion_heads 8 and fusion_layers 4 make the base model, of 10,034,910 (standard: 8,984,286).
struct ModelOptions {
  ModelType model_type = ModelType::kGated;
  int members = 1;            // Networks, whose mean is the prediction, 1..64. The sizes below are of each.
  int hidden_dim = 64;        // Width of atom and protein tokens, 8..1024, a multiple of fusion_heads.
  int feature_dim = 256;      // Width of the head, 8..4096.
  int fusion_heads = 4;       // 1..64
  int fusion_layers = 1;      // 1..16
  double dropout_rate = 0.1;  // [0, 0.9]
  GateKind gate_kind = GateKind::kVector;
  double gate_initial_bias = 0.0;   // [-10, 10]
  int drug_layers = 2;              // GINE layers, 1..16.
  int residues_per_token = 32;      // 8, 16 or 32.
  int max_sequence_length = 10000;  // Residues; a longer protein is an error.
  bool similarity_prior = true;     // Begin with what SimilarityPrior says of a pair.
  // Of the vector that the user supplies for each protein, 0..16384; 0 is a model without. The data set decides it.
  int protein_feature_dim = 0;
  // The lowest and the highest z-scored affinity that the model can predict, -1000..1000 and above the lowest by 0.01
  // or more. The data set decides them.
  double lowest_level = -5.0, highest_level = 5.0;
};

// INVALID_ARGUMENT naming the field where an option is out of range.
absl::Status ValidateModelOptions(const ModelOptions& options);

// Of an option's values. With `low_excluded`, `low` is the least that is too small.
struct OptionRange {
  double low, high;
  bool low_excluded = false;
};

// INVALID_ARGUMENT naming the field where `value` is out of its range or not a number.
absl::Status CheckRange(absl::string_view field, double value, const OptionRange& range);

// INVALID_ARGUMENT (SEQUENCE_TOO_LONG) where a model with `options` does not take a protein of so many residues.
absl::Status CheckSequenceLength(size_t residues, const ModelOptions& options);

absl::string_view ModelTypeName(ModelType type);  // "gated", "standard"
absl::string_view GateKindName(GateKind kind);    // "vector", "head", "scalar"
absl::StatusOr<ModelType> ParseModelType(absl::string_view name);
absl::StatusOr<GateKind> ParseGateKind(absl::string_view name);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_MODEL_OPTIONS_H_
