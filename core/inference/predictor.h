// A trained model that answers for SMILES and sequences, in the unit of its training data.
#ifndef DEEPBINDNET_CORE_INFERENCE_PREDICTOR_H_
#define DEEPBINDNET_CORE_INFERENCE_PREDICTOR_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/affinity_direction.h"
#include "core/inference/explanation.h"

namespace deepbindnet {

// Distinct molecules and proteins once; pairs refer to them by index.
struct PredictionInput {
  struct Pair {
    int drug = 0;    // Index into smiles.
    int target = 0;  // Index into sequences.
  };
  std::vector<std::string> smiles;
  std::vector<std::string> sequences;
  std::vector<Pair> pairs;
  // Vectors of the proteins, parallel to sequences, or none at all; an empty one means the one that the model knows.
  std::vector<std::vector<float>> features = {};
};

struct PredictorInfo {
  std::string model_type;     // "gated" or "standard".
  std::string affinity_unit;  // May be empty.
  std::string digest;         // SHA-256 (hex) of the checkpoint file.
  int max_sequence_length = 0;
  int protein_feature_dim = 0;  // Of the vector that each protein needs; 0: none.
  AffinityDirection affinity_direction = AffinityDirection::kUnknown;
};

// Thread-safe: any number of threads may call Predict and Explain at once. Holds the model and nothing of a request.
class Predictor {
 public:
  virtual ~Predictor() = default;

  // One result a pair, in order. A pair whose molecule or protein cannot be read has an error of its own
  // (INVALID_ARGUMENT, reason INVALID_SMILES, INVALID_SEQUENCE or SEQUENCE_TOO_LONG), and so has one whose protein has
  // no features that the model needs (MISSING_PROTEIN_FEATURES) or others than it takes (INVALID_PROTEIN_FEATURES); the
  // rest have values. An index out of range, and features that are not parallel to the sequences, are INVALID_ARGUMENT
  // for the whole call. Blocks for the computation.
  virtual absl::StatusOr<std::vector<absl::StatusOr<double>>> Predict(const PredictionInput& input) const = 0;

  // What the model attended to for input.pairs[pair], and the value that Predict gives to the pair alone. Errors are
  // those of the pair in Predict; INVALID_ARGUMENT where `pair` or an index of it is out of range. Blocks for the
  // computation, which costs about as much as that of the prediction.
  virtual absl::StatusOr<Explanation> Explain(const PredictionInput& input, size_t pair) const = 0;

  virtual const PredictorInfo& info() const = 0;
};

// Loads best_model.pt or any other checkpoint onto `device` ("cpu", "cuda", "cuda:1"; "auto" takes a GPU where there is
// one) and runs it once, so that the first call is not slower than the next. NOT_FOUND where there is no such file;
// INVALID_ARGUMENT where it is no checkpoint or is damaged.
absl::StatusOr<std::shared_ptr<const Predictor>> LoadPredictor(const std::string& checkpoint,
                                                               const std::string& device = "auto");

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_INFERENCE_PREDICTOR_H_
