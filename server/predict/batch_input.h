// Several callers' pairs as one input of the model.
#ifndef DEEPBINDNET_SERVER_PREDICT_BATCH_INPUT_H_
#define DEEPBINDNET_SERVER_PREDICT_BATCH_INPUT_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "core/inference/predictor.h"

namespace deepbindnet {

// Collects ranges of pairs; each distinct molecule and protein, compared in full and a protein with its vector, stands
// in the result once. The inputs added must outlive it. Not thread-safe.
class BatchInput {
 public:
  // Appends the pairs [begin, end) of `input`, whose indices are in range.
  void Add(const PredictionInput& input, size_t begin, size_t end);

  const PredictionInput& merged() const { return merged_; }

 private:
  int InternTarget(const PredictionInput& input, int target, std::vector<int>* known);

  PredictionInput merged_;
  std::unordered_map<std::string, int> drugs_;    // SMILES -> index into merged_.smiles.
  std::unordered_map<std::string, int> targets_;  // Sequence and vector -> index into merged_.sequences.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_BATCH_INPUT_H_
