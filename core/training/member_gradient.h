// The gradient of some pairs, of one member of a model.
#ifndef DEEPBINDNET_CORE_TRAINING_MEMBER_GRADIENT_H_
#define DEEPBINDNET_CORE_TRAINING_MEMBER_GRADIENT_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/data/entity_table.h"
#include "core/model/affinity_model.h"
#include "core/training/training_options.h"

namespace deepbindnet {

// The training part of a data set on the device, ready for batches.
struct TrainingPairs {
  EntityTable entities;
  std::vector<PairIndex> pairs;
  torch::Tensor z;           // [pairs] float, z-scored affinities
  torch::Tensor prior = {};  // [pairs, kPriorChannels] float, of fits without the pair; undefined without a prior
};

// Some pairs as a member takes them.
struct GradientInput {
  PairBatch batch;
  torch::Tensor truth;  // [pairs] float, z-scored
};

// On the host: the batch of the pairs `chosen`, filled up to `least`; its integers end with `chosen`.
PackedBatch PackChosen(const TrainingPairs& data, const std::vector<int64_t>& chosen, const BatchSizes& least);

// On the device, where `integers` are those of `packed`: a share of the environments and triplets, drawn from
// `generator`, is left out.
GradientInput MakeInput(const TrainingPairs& data, const PackedBatch& packed, const torch::Tensor& integers,
                        double feature_dropout_rate, const at::Generator& generator);

struct MemberResult {
  torch::Tensor loss;       // [], `weight` times the pairs' mean loss, without a gradient
  torch::Tensor predicted;  // [pairs] float, z-scored, likewise
};

// Adds `loss_scale` times the gradient of the loss to the member's gradients. `half` is the type of matrix products,
// fp32 where it is empty. Appends to `gates`, where that is not null, as AffinityNetwork::Score().
MemberResult AddGradient(const AffinityModel& model, AffinityNetwork member, const GradientInput& input,
                         const TrainingOptions& options, c10::optional<torch::Dtype> half, double weight,
                         double loss_scale, std::vector<torch::Tensor>* gates);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_MEMBER_GRADIENT_H_
