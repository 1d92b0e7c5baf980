// AdamW over one flat buffer, with gradient clipping and weight averaging.
#ifndef DEEPBINDNET_CORE_TRAINING_OPTIMIZER_H_
#define DEEPBINDNET_CORE_TRAINING_OPTIMIZER_H_

#include <torch/torch.h>

#include <vector>

#include "core/base/status.h"
#include "core/compute/kernels.h"
#include "core/compute/torch_util.h"

namespace deepbindnet {

struct OptimizerOptions {
  double weight_decay = 1e-4;  // Decoupled; on matrices (linear layers and embedding tables), not on vectors.
  double clip_norm = 1.0;      // Largest Euclidean norm of the whole gradient; 0 does not clip.
  double ema_decay = 0.999;    // Of the averaged weights; 0 keeps no average.
};

// Moves a module's parameters and their gradients into two flat buffers, of which they stay views: an optimiser step is
// a handful of vector operations whatever the number of parameters. Replicas of the module then share its parameters,
// and each has gradients of its own: several threads can go backward at once. AdamW: Loshchilov and Hutter 2019, beta1
// 0.9, beta2 0.999, eps 1e-8. The average starts at the first step and is warmed up: its decay at step t is at most (1
// + t) / (10 + t). Not thread-safe.
class Optimizer {
 public:
  // Neighbouring parameters, of weights().
  struct Part {
    int64_t begin = 0, end = 0;
  };
  // The module is in its final place (device, type float) and is not moved afterwards.
  Optimizer(const torch::nn::Module& module, const OptimizerOptions& options) : Optimizer({&module}, options) {}

  // The same of one or more modules with the same parameters and in the same place; the first one's values count.
  // Parameters without gradient (running statistics) are shared and averaged too, but moved by their module alone.
  Optimizer(const std::vector<const torch::nn::Module*>& replicas, const OptimizerOptions& options);

  void ZeroGrad();

  // The sum of the replicas' gradients since ZeroGrad(), which Step() then takes: what is done to it counts.
  // Shape: [parameters] float.
  torch::Tensor SumGradients();

  // Divides the gradient by `loss_scale`, clips, updates and averages. Returns the gradient's norm before clipping,
  // which is not finite where `loss` [] is given and is not; where it is not finite nothing changes. A GPU is waited
  // for at the end alone.
  double Step(double lr, double loss_scale = 1.0, const torch::Tensor& loss = {});

  // As above, each part at its own learning rate; parameters in none stay.
  double Step(const std::vector<Part>& parts, const std::vector<double>& lr, double loss_scale = 1.0,
              const torch::Tensor& loss = {});

  // [parameters], all of the module's: what is done to it counts.
  torch::Tensor weights() const { return weights_; }

  // Gives a part these values, in the average too. Shape: values [end - begin].
  void Set(const Part& part, const torch::Tensor& values);

  // While it lives the parameters of the first replica hold the averaged weights (or are as they were, without
  // averaging).
  class AveragedWeights {
   public:
    explicit AveragedWeights(Optimizer* optimizer);
    ~AveragedWeights();
    AveragedWeights(const AveragedWeights&) = delete;
    AveragedWeights& operator=(const AveragedWeights&) = delete;

   private:
    Optimizer* const optimizer_;
    torch::Tensor kept_;
  };

  // While it lives the parameters of all replicas that are in a part stand `radius` further along that part of the
  // summed gradient, which goes up: about where the loss is highest within that distance (Foret et al. 2021, equation
  // 2). Not finite where the gradient is not.
  class ClimbedWeights {
   public:
    ClimbedWeights(Optimizer* optimizer, const std::vector<Part>& parts, double radius);
    ~ClimbedWeights();
    ClimbedWeights(const ClimbedWeights&) = delete;
    ClimbedWeights& operator=(const ClimbedWeights&) = delete;

   private:
    Optimizer* const optimizer_;
    const torch::Tensor kept_;
  };

  int64_t steps() const { return steps_; }

  // Everything a later process needs to go on bit for bit, on the CPU.
  TensorDict State() const;

  // Goes on from State(). INVALID_ARGUMENT naming the entry where one is missing, of another shape or type, not finite
  // or, of the steps, negative; nothing changes then.
  absl::Status LoadState(const TensorDict& state);

 private:
  // The step of `task`, whose numbers are set, for the parameters [begin, end).
  void Update(AdamTask task, int64_t begin, int64_t end);

  const OptimizerOptions options_;
  torch::Tensor weights_;                 // [parameters], the modules' parameters are views of it
  std::vector<torch::Tensor> gradients_;  // Each [parameters], a replica's gradients are views of it
  torch::Tensor decayed_;                 // [parameters], 1 where weight decay applies, else 0
  torch::Tensor first_, second_;          // [parameters], moments
  torch::Tensor average_;                 // [parameters]; undefined without averaging
  bool summed_ = false;                   // Whether the first gradient is the sum of all.
  int64_t steps_ = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_OPTIMIZER_H_
