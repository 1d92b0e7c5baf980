// Training losses on z-scored affinities.
#ifndef DEEPBINDNET_CORE_TRAINING_LOSS_H_
#define DEEPBINDNET_CORE_TRAINING_LOSS_H_

#include <torch/torch.h>

#include "core/training/training_options.h"

namespace deepbindnet {

// Mean over the pairs of e^2 (mse), of Huber's loss with its transition at 1 (huber), or of log cosh e (log_cosh), with
// e = predicted - truth. Shape: both [pairs] float -> scalar; throws where they are not.
torch::Tensor ComputeLoss(Loss loss, const torch::Tensor& predicted, const torch::Tensor& truth);

// Mean over the pairs of the cross-entropy between what `scores` say of `levels` and the truth as a normal distribution
// over them, whose deviation is the distance of two levels; a truth beyond the levels counts as the nearest one.
// Shape: scores [pairs, levels], levels [levels] evenly spaced and rising, truth [pairs] float -> scalar.
torch::Tensor DistributionLoss(const torch::Tensor& scores, const torch::Tensor& levels, const torch::Tensor& truth);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_LOSS_H_
