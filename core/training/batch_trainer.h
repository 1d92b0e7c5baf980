// One optimiser step: micro-batches on replicas, their gradients summed over processes, and the update.
#ifndef DEEPBINDNET_CORE_TRAINING_BATCH_TRAINER_H_
#define DEEPBINDNET_CORE_TRAINING_BATCH_TRAINER_H_

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/compute/torch_util.h"
#include "core/training/loss_scaler.h"
#include "core/training/optimizer.h"
#include "core/training/ranks.h"
#include "core/training/replicas.h"
#include "core/training/training_options.h"

namespace deepbindnet {

// bf16 or fp16 for matrix products on this device, empty for fp32: what the options ask for, or for kAuto the better
// one that the device has. INVALID_ARGUMENT where it has not the type that is asked for by name.
absl::StatusOr<c10::optional<torch::Dtype>> ChooseHalf(const TrainingOptions& options, const torch::Device& device);

// What a step did.
struct StepOutcome {
  double loss = 0.0;                 // Mean over the pairs of all ranks.
  double gradient_norm = 0.0;        // Before clipping, of all ranks.
  bool finite = true;                // False: loss or gradient is not finite, and nothing was changed.
  std::vector<int64_t> pairs;        // This rank's share.
  torch::Tensor predicted;           // [pairs] float, z-scored, of this rank's share; may be empty
  std::vector<torch::Tensor> gates;  // Each [rows, gate], of this rank's share; empty unless asked for
  std::string notice;                // For people; empty where there is nothing to say.
};

// Trains one model together with the other ranks: every rank has the same weights after every step. Equal arguments
// give equal bits on the CPU. Not thread-safe.
class BatchTrainer {
 public:
  // Every rank's `data` are the whole training part. `replicas` share each micro-batch.
  BatchTrainer(TrainingPairs data, const TrainingOptions& options, const torch::Device& device,
               c10::optional<torch::Dtype> half, int replicas, Ranks* ranks);

  const AffinityModel& model() const { return replicas_.model(); }
  Optimizer* optimizer() { return &optimizer_; }

  // Where a member's parameters stand among all of the model's, and where its shares().
  const Optimizer::Part& part_of_member(size_t member) const { return members_[member]; }
  const Optimizer::Part& part_of_shares() const { return shares_; }

  // Gives every rank the weights of rank 0.
  absl::Status ShareWeights() { return ranks_.Broadcast(optimizer_.weights()); }

  // As below, at one learning rate for all members.
  absl::StatusOr<StepOutcome> Step(const std::vector<int64_t>& chosen, double lr, uint64_t seed, bool look_at_gates);

  // Moves the weights down the gradient of the mean loss over the pairs `chosen` of all ranks, whose neighbours stay
  // together. With sam_rho the gradient is that of weights so far up the slope. `seed` decides dropout. Where memory
  // runs out, halves the micro-batch, says so in the outcome and tries again; RESOURCE_EXHAUSTED (OUT_OF_MEMORY) where
  // one pair is too many. Each member has a learning rate of its own; one whose rate is 0 rests, and loss and
  // predictions are of the others.
  absl::StatusOr<StepOutcome> Step(const std::vector<int64_t>& chosen, const std::vector<double>& lr, uint64_t seed,
                                   bool look_at_gates);

  // Everything a later process needs to go on bit for bit, on the CPU; and back, as Optimizer::LoadState().
  TensorDict State() const;
  absl::Status LoadState(const TensorDict& state);

 private:
  // What both gradients of a step have in common.
  struct Batch {
    int64_t pairs = 0;  // Of all ranks.
    uint64_t seed = 0;
    std::vector<int64_t> members;  // That learn.
  };
  // The gradient over all ranks; returns their loss [].
  absl::StatusOr<torch::Tensor> Gradient(const Batch& batch, bool look_at_gates, StepOutcome* outcome);
  // The gradient of this rank's share, whose loss is added to `loss`; false where memory ran out.
  bool Backward(const Batch& batch, bool look_at_gates, torch::Tensor* loss, StepOutcome* outcome);
  absl::Status BackOff(StepOutcome* outcome);
  // A step along the last gradient; the running statistics become those of the weights where it was taken.
  absl::Status Update(const std::vector<double>& lr, const torch::Tensor& loss, StepOutcome* outcome);

  Ranks& ranks_;
  Replicas replicas_;
  Optimizer optimizer_;
  const std::vector<Optimizer::Part> members_;
  const Optimizer::Part shares_;
  const double climb_;      // How far from a member's weights its gradient is taken.
  const bool scales_loss_;  // fp16
  LossScaler scaler_;
  int micro_batch_;  // Most pairs of this rank that are computed at once.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_BATCH_TRAINER_H_
