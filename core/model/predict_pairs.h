// Predictions of a model for many pairs, in batches.
#ifndef DEEPBINDNET_CORE_MODEL_PREDICT_PAIRS_H_
#define DEEPBINDNET_CORE_MODEL_PREDICT_PAIRS_H_

#include <vector>

#include "core/data/batch.h"
#include "core/data/processed_dataset.h"
#include "core/model/affinity_model.h"

namespace deepbindnet {

// z-scored predictions in the order of `pairs`, in fp32. Pairs of one protein are put into one batch. The model is in
// evaluation mode and on `device`. On the CPU batches are computed side by side by as many threads as LibTorch has;
// safe to call from several threads on one model.
std::vector<double> PredictPairs(AffinityModel model, const torch::Device& device,
                                 const std::vector<const MolecularGraph*>& molecules,
                                 const std::vector<const std::vector<uint8_t>*>& proteins,
                                 const std::vector<PairIndex>& pairs);

// Predictions for one part of a data set, in the affinity's unit and the part's order.
std::vector<double> PredictAffinities(AffinityModel model, const torch::Device& device, const ProcessedDataset& dataset,
                                      const PairTable& part, const Scaler& scaler);

// What MakeBatch and PredictPairs take, out of a data set.
std::vector<const MolecularGraph*> GraphsOf(const ProcessedDataset& dataset);
std::vector<const std::vector<uint8_t>*> TokensOf(const ProcessedDataset& dataset);
std::vector<PairIndex> PairsOf(const PairTable& table);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_PREDICT_PAIRS_H_
