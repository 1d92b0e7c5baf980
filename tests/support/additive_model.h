// The best predictor without any interaction, which a model has to beat.
#ifndef DEEPBINDNET_TESTS_SUPPORT_ADDITIVE_MODEL_H_
#define DEEPBINDNET_TESTS_SUPPORT_ADDITIVE_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/data/processed_dataset.h"

namespace deepbindnet {

// Least squares of mean + drug effect + target effect by backfitting; effects shrink towards 0 by `shrinkage` pairs.
class AdditiveModel {
 public:
  AdditiveModel(const PairTable& train, size_t drugs, size_t targets, double shrinkage)
      : drug_(drugs, 0.0), target_(targets, 0.0) {
    for (const double value : train.affinity) mean_ += value / static_cast<double>(train.affinity.size());
    for (int iteration = 0; iteration < 50; ++iteration) {
      Fit(train, train.drug, shrinkage, &drug_);
      Fit(train, train.target, shrinkage, &target_);
    }
  }

  double Predict(int32_t drug, int32_t target) const {
    return mean_ + drug_[static_cast<size_t>(drug)] + target_[static_cast<size_t>(target)];
  }
  std::vector<double> Predict(const PairTable& pairs) const {
    std::vector<double> predicted;
    for (size_t i = 0; i < pairs.affinity.size(); ++i) predicted.push_back(Predict(pairs.drug[i], pairs.target[i]));
    return predicted;
  }

 private:
  void Fit(const PairTable& train, const std::vector<int32_t>& entity, double shrinkage, std::vector<double>* effects) {
    std::fill(effects->begin(), effects->end(), 0.0);
    std::vector<double> sums(effects->size(), 0.0);
    std::vector<double> counts(effects->size(), shrinkage);
    for (size_t i = 0; i < entity.size(); ++i) {
      sums[static_cast<size_t>(entity[i])] += train.affinity[i] - Predict(train.drug[i], train.target[i]);
      counts[static_cast<size_t>(entity[i])] += 1.0;
    }
    for (size_t i = 0; i < sums.size(); ++i) (*effects)[i] = counts[i] > 0.0 ? sums[i] / counts[i] : 0.0;
  }

  double mean_ = 0.0;
  std::vector<double> drug_;
  std::vector<double> target_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_ADDITIVE_MODEL_H_
