// Predictions of a model for many pairs, in batches.
#ifndef DEEPBINDNET_CORE_MODEL_PREDICT_PAIRS_H_
#define DEEPBINDNET_CORE_MODEL_PREDICT_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/data/batch.h"
#include "core/data/processed_dataset.h"
#include "core/model/affinity_model.h"

namespace deepbindnet {

// Most of one batch of PredictPairs, which bounds its memory whatever the molecules and proteins; a pair that is larger
// is a batch of its own. What is encoded once grows with the distinct proteins, what is fused with the pairs.
inline constexpr size_t kBatchPairs = 512;
inline constexpr int64_t kBatchResidues = int64_t{1} << 16;      // Of distinct proteins.
inline constexpr int64_t kBatchPairResidues = int64_t{1} << 20;  // Of the pairs' proteins.
inline constexpr int64_t kBatchPairAtoms = int64_t{1} << 16;     // Of the pairs' molecules.

// Where the batch ends that begins with pairs[begin]; equal proteins stand together in `pairs`.
size_t EndOfBatch(const std::vector<const MolecularGraph*>& molecules,
                  const std::vector<const std::vector<uint8_t>*>& proteins, const std::vector<PairIndex>& pairs,
                  size_t begin);

// What each member of the model says of pairs, z-scored, in fp32 and on the CPU. Pairs of one protein are put into one
// batch. The model is in evaluation mode and on `device`; `features` is empty where it takes none. On the CPU batches
// are computed side by side by as many threads as LibTorch has; safe to call from several threads on one model.
// Shape: -> [members, pairs], the pairs in the order of `pairs`.
torch::Tensor PredictMembers(AffinityModel model, const torch::Device& device,
                             const std::vector<const MolecularGraph*>& molecules,
                             const std::vector<const std::vector<uint8_t>*>& proteins,
                             const std::vector<PairIndex>& pairs, const FeatureList& features = {});

// The same for one part of a data set. The proteins' features have the dimension that the model takes; a model without
// features leaves them out.
torch::Tensor PredictMembers(AffinityModel model, const torch::Device& device, const ProcessedDataset& dataset,
                             const PairTable& part);

// What the whole model says of pairs, z-scored, in the order of `pairs`; else as PredictMembers().
std::vector<double> PredictPairs(AffinityModel model, const torch::Device& device,
                                 const std::vector<const MolecularGraph*>& molecules,
                                 const std::vector<const std::vector<uint8_t>*>& proteins,
                                 const std::vector<PairIndex>& pairs, const FeatureList& features = {});

// The same for one part of a data set, in the affinity's unit and the part's order.
std::vector<double> PredictAffinities(AffinityModel model, const torch::Device& device, const ProcessedDataset& dataset,
                                      const PairTable& part, const Scaler& scaler);

// The same from what PredictMembers() said.
std::vector<double> CombineAffinities(const AffinityModel& model, const torch::Tensor& predictions,
                                      const Scaler& scaler);

// What EntityTable, PredictPairs and training take, out of a data set.
std::vector<const MolecularGraph*> GraphsOf(const ProcessedDataset& dataset);
std::vector<const std::vector<uint8_t>*> TokensOf(const ProcessedDataset& dataset);
std::vector<PairIndex> PairsOf(const PairTable& table);
std::vector<float> ScaledOf(const PairTable& table, const Scaler& scaler);  // z-scored affinities
FeatureList FeaturesOf(const ProcessedDataset& dataset);                    // Empty where the data set has none.

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_PREDICT_PAIRS_H_
