// A model whose answers a test can work out.
#ifndef DEEPBINDNET_TESTS_SERVER_PREDICT_FAKE_PREDICTOR_H_
#define DEEPBINDNET_TESTS_SERVER_PREDICT_FAKE_PREDICTOR_H_

#include <atomic>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/inference/predictor.h"

namespace deepbindnet {

// The value of a pair is the length of its SMILES plus 100 times the length of its sequence. The SMILES "bad" is an
// error of its pair, "poison" one of the whole call, and "huge" throws std::bad_alloc. The explanation of a pair has an
// atom C for each letter of the SMILES and a span for each residue, all of equal importance. Thread-safe.
class FakePredictor : public Predictor {
 public:
  explicit FakePredictor(const std::string& digest = "d1gest") {
    info_.digest = digest;
    info_.affinity_unit = "pKd";
    info_.affinity_direction = AffinityDirection::kHigherBindsTighter;
    info_.model_type = "gated";
  }

  absl::StatusOr<std::vector<absl::StatusOr<double>>> Predict(const PredictionInput& input) const override {
    {
      MutexLock lock(&mutex_);
      calls_.push_back(input);
    }
    std::vector<absl::StatusOr<double>> values;
    for (const PredictionInput::Pair& pair : input.pairs) {
      values.push_back(Value(input, pair));
      if (absl::IsInternal(values.back().status())) return values.back().status();
    }
    return values;
  }

  absl::StatusOr<Explanation> Explain(const PredictionInput& input, size_t pair) const override {
    ++explained_;
    if (on_explain) on_explain();
    DBN_ASSIGN_OR_RETURN(const double value, Value(input, input.pairs.at(pair)));
    Explanation explanation;
    explanation.value = value;
    explanation.canonical_smiles = input.smiles.at(input.pairs.at(pair).drug);
    explanation.sequence = input.sequences.at(input.pairs.at(pair).target);
    explanation.residues_per_token = 1;
    explanation.atoms.resize(explanation.canonical_smiles.size());
    explanation.spans.resize(explanation.sequence.size());
    for (size_t i = 0; i < explanation.atoms.size(); ++i) {
      explanation.atoms[i].index = static_cast<int>(i);
      explanation.atoms[i].element = "C";
      explanation.atoms[i].importance = 1.0 / static_cast<double>(explanation.atoms.size());
      explanation.atoms[i].layers = {{0.5, 0.25, {0.5}}};
    }
    for (size_t i = 0; i < explanation.spans.size(); ++i) {
      explanation.spans[i].first_residue = explanation.spans[i].last_residue = static_cast<int>(i) + 1;
    }
    return explanation;
  }

  const PredictorInfo& info() const override { return info_; }

  std::vector<PredictionInput> calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }
  int explained() const { return explained_; }  // Calls of Explain.

  std::function<void()> on_explain;  // Called in Explain; set it before.

 private:
  static absl::StatusOr<double> Value(const PredictionInput& input, const PredictionInput::Pair& pair) {
    const std::string& smiles = input.smiles.at(pair.drug);
    if (smiles == "huge") throw std::bad_alloc();
    if (smiles == "poison") return absl::InternalError("poisoned");
    if (smiles == "bad") return WithReason(absl::InvalidArgumentError("bad cannot be read"), "INVALID_SMILES");
    return smiles.size() + 100.0 * input.sequences.at(pair.target).size();
  }

  PredictorInfo info_;
  mutable std::atomic<int> explained_{0};
  mutable Mutex mutex_;
  mutable std::vector<PredictionInput> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_PREDICT_FAKE_PREDICTOR_H_
