// The gradient of pairs, computed on several threads of the CPU at once.
#ifndef DEEPBINDNET_CORE_TRAINING_REPLICAS_H_
#define DEEPBINDNET_CORE_TRAINING_REPLICAS_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/compute/compute_pool.h"
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

// What the model said of some pairs.
struct BatchResult {
  torch::Tensor loss;                // [] double, sum over the pairs divided by the number that the caller gave
  torch::Tensor predicted;           // [pairs] float, z-scored, in the batch's order, without a gradient
  std::vector<torch::Tensor> gates;  // Each [rows, gate]; empty unless asked for
};

// How many replicas share a batch: on the CPU one for each of LibTorch's threads as long as each has 32 pairs or more;
// on a GPU one.
int CountReplicas(const torch::Device& device, int batch_size);

// The most that CountReplicas() can be, whatever the machine.
int MostReplicas(int batch_size);

// One or more copies of a model. Each computes the loss and the gradient of its share of some pairs on its own thread,
// beside the others. Equal arguments, seeds and counts give equal bits; without dropout, another count gives another
// rounding and no more. Not thread-safe.
class Replicas {
 public:
  // The first copy's weights are drawn from the options' seed; Optimizer lets the others share them. `half` is the type
  // of matrix products, fp32 where it is empty.
  Replicas(TrainingPairs data, const TrainingOptions& options, const torch::Device& device,
           c10::optional<torch::Dtype> half, int count);

  // The first copy: the model that is trained.
  const AffinityModel& model() const { return models_.front(); }
  std::vector<const torch::nn::Module*> modules() const;

  // What dropout draws from here on. Copies of other processes draw other numbers where their `rank` is another.
  void Seed(uint64_t seed, int rank);

  // Puts all copies into training mode and adds to their gradients; what is added sums up to the gradient of
  // `loss_scale` times the sum of the losses of the pairs `chosen`, divided by `pairs`: over calls whose pairs are
  // `pairs` in all, that of the mean loss. The loss of a pair is the mean of its members' losses.
  BatchResult Backward(const std::vector<int64_t>& chosen, int64_t pairs, double loss_scale, bool look_at_gates);

  // As the function of this name, of all copies.
  torch::Tensor TakeStatistics() const { return deepbindnet::TakeStatistics(models_); }

 private:
  BatchResult BackwardShare(AffinityModel model, const std::vector<int64_t>& chosen, int64_t pairs, double loss_scale,
                            bool look_at_gates, const at::Generator& generator);

  const TrainingPairs data_;
  const TrainingOptions options_;
  const torch::Device device_;
  const c10::optional<torch::Dtype> half_;
  ComputePool pool_;
  std::vector<AffinityModel> models_;
  std::vector<at::Generator> generators_;  // Each copy's, of what is left out of its batches and of dropout.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_REPLICAS_H_
