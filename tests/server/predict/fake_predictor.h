// A model whose answers a test can work out.
#ifndef DEEPBINDNET_TESTS_SERVER_PREDICT_FAKE_PREDICTOR_H_
#define DEEPBINDNET_TESTS_SERVER_PREDICT_FAKE_PREDICTOR_H_

#include <new>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/inference/predictor.h"

namespace deepbindnet {

// The value of a pair is the length of its SMILES plus 100 times the length of its sequence. The SMILES "bad" is an
// error of its pair, "poison" one of the whole call, and "huge" throws std::bad_alloc. Thread-safe.
class FakePredictor : public Predictor {
 public:
  explicit FakePredictor(const std::string& digest = "d1gest") {
    info_.digest = digest;
    info_.affinity_unit = "pKd";
    info_.model_type = "gated";
  }

  absl::StatusOr<std::vector<absl::StatusOr<double>>> Predict(const PredictionInput& input) const override {
    {
      MutexLock lock(&mutex_);
      calls_.push_back(input);
    }
    std::vector<absl::StatusOr<double>> values;
    for (const PredictionInput::Pair& pair : input.pairs) {
      const std::string& smiles = input.smiles.at(pair.drug);
      if (smiles == "huge") throw std::bad_alloc();
      if (smiles == "poison") return absl::InternalError("poisoned");
      if (smiles == "bad") {
        values.push_back(WithReason(absl::InvalidArgumentError("bad cannot be read"), "INVALID_SMILES"));
      } else {
        values.push_back(smiles.size() + 100.0 * input.sequences.at(pair.target).size());
      }
    }
    return values;
  }

  const PredictorInfo& info() const override { return info_; }

  std::vector<PredictionInput> calls() const {
    MutexLock lock(&mutex_);
    return calls_;
  }

 private:
  PredictorInfo info_;
  mutable Mutex mutex_;
  mutable std::vector<PredictionInput> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_PREDICT_FAKE_PREDICTOR_H_
