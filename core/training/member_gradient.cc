#include "core/training/member_gradient.h"

#include <utility>

#include "core/model/mixed_precision.h"
#include "core/training/loss.h"

namespace deepbindnet {
namespace {

// Leaves a share of the environments and triplets out.
void DropFeatures(double rate, const at::Generator& generator, PairBatch* batch) {
  if (rate == 0) return;
  for (torch::Tensor* index : {&batch->environments, &batch->triplets}) {
    const torch::Tensor draws = torch::empty(index->sizes(), index->options().dtype(torch::kFloat32));
    draws.uniform_(0, 1, generator);
    index->masked_fill_(draws < rate, -1);
  }
  batch->kept_environments = batch->kept_triplets = 1 - rate;
}

}  // namespace

PackedBatch PackChosen(const TrainingPairs& data, const std::vector<int64_t>& chosen, const BatchSizes& least) {
  std::vector<PairIndex> pairs;
  for (const int64_t pair : chosen) pairs.push_back(data.pairs[pair]);
  PackedBatch packed = data.entities.Pack(pairs, least);
  packed.integers.insert(packed.integers.end(), chosen.begin(), chosen.end());
  return packed;
}

GradientInput MakeInput(const TrainingPairs& data, const PackedBatch& packed, const torch::Tensor& integers,
                        double feature_dropout_rate, const at::Generator& generator) {
  GradientInput input;
  input.batch = data.entities.Cut(packed, integers);
  DropFeatures(feature_dropout_rate, generator, &input.batch);
  const torch::Tensor chosen = integers.narrow(0, integers.size(0) - packed.drug.count, packed.drug.count);
  input.truth = data.z.index_select(0, chosen);
  if (data.prior.defined()) input.batch.prior = data.prior.index_select(0, chosen);
  return input;
}

MemberResult AddGradient(const AffinityModel& model, AffinityNetwork member, const GradientInput& input,
                         const TrainingOptions& options, c10::optional<torch::Dtype> half, double weight,
                         double loss_scale, std::vector<torch::Tensor>* gates) {
  torch::Tensor scores;
  {
    const MixedPrecisionScope scope(input.truth.device(), half);
    scores = member->Score(input.batch, member->Encode(input.batch), gates);
  }
  const torch::Tensor predicted = model->Expect(scores);
  const torch::Tensor loss = (ComputeLoss(options.loss, predicted, input.truth) +
                              options.distribution_weight * DistributionLoss(scores, model->levels(), input.truth)) *
                             weight;
  (loss_scale == 1 ? loss : loss * loss_scale).backward();
  return {loss.detach(), predicted.detach()};
}

}  // namespace deepbindnet
