// The gradient of pairs, computed on several threads of the CPU at once.
#ifndef DEEPBINDNET_CORE_TRAINING_REPLICAS_H_
#define DEEPBINDNET_CORE_TRAINING_REPLICAS_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "core/compute/compute_pool.h"
#include "core/model/affinity_model.h"
#include "core/training/member_gradient.h"
#include "core/training/recorded_gradient.h"
#include "core/training/training_options.h"

namespace deepbindnet {

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
  // `pairs` in all, that of the mean loss. The loss of a pair is the mean of its members' losses. Where `members` is
  // not empty, loss, gradient and predictions are of these members alone.
  BatchResult Backward(const std::vector<int64_t>& chosen, int64_t pairs, double loss_scale, bool look_at_gates,
                       const std::vector<int64_t>& members = {});

  // As the function of this name, of all copies.
  torch::Tensor TakeStatistics() const;

  // Whether the last batches were started as recorded work.
  bool records() const { return recorded_ != nullptr; }

 private:
  BatchResult BackwardShare(const AffinityModel& model, const std::vector<int64_t>& chosen,
                            const std::vector<int64_t>& members, double weight_of_pair, double loss_scale,
                            bool look_at_gates, const at::Generator& generator);
  // Does what Backward() does by recorded work; false where there is none for such batches (yet).
  bool Replay(const std::vector<int64_t>& chosen, const std::vector<int64_t>& members, double weight_of_pair,
              BatchResult* result);
  // What `members` say together.
  BatchResult SumUp(const std::vector<int64_t>& members, const std::vector<MemberResult>& results) const;

  const TrainingPairs data_;
  const TrainingOptions options_;
  const torch::Device device_;
  const c10::optional<torch::Dtype> half_;
  ComputePool pool_;
  std::vector<AffinityModel> models_;
  std::vector<int64_t> all_members_;
  // Each copy's, of what is left out of its batches and of dropout; where work is recorded, also each member's, which
  // are those of dropout then.
  std::vector<at::Generator> generators_;

  // Of the first copy, for batches of `recorded_batch_`; null without.
  std::unique_ptr<RecordedGradient> recorded_;
  // Number of pairs, the members, and how much each pair counts.
  std::tuple<size_t, std::vector<int64_t>, double> recorded_batch_, last_batch_;
  int in_a_row_ = 0;  // Batches as last_batch_ that were not recorded.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_REPLICAS_H_
