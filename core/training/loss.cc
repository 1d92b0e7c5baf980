#include "core/training/loss.h"

#include <cmath>

namespace deepbindnet {

torch::Tensor ComputeLoss(Loss loss, const torch::Tensor& predicted, const torch::Tensor& truth) {
  // [pairs] and [pairs, 1] would be broadcast to [pairs, pairs].
  TORCH_CHECK(predicted.dim() == 1 && predicted.sizes() == truth.sizes(), "ComputeLoss: predicted ", predicted.sizes(),
              " and truth ", truth.sizes(), " are not both [pairs]");
  switch (loss) {
    case Loss::kMse:
      return torch::mse_loss(predicted, truth);
    case Loss::kHuber:
      return torch::huber_loss(predicted, truth, torch::Reduction::Mean, 1.0);
    case Loss::kLogCosh: {
      // log cosh e = |e| + log(1 + exp(-2|e|)) - log 2, which cannot overflow.
      const torch::Tensor error = (predicted - truth).abs();
      return (error + torch::log1p(torch::exp(-2 * error))).mean() - std::log(2.0);
    }
  }
  return torch::mse_loss(predicted, truth);
}

torch::Tensor DistributionLoss(const torch::Tensor& scores, const torch::Tensor& levels, const torch::Tensor& truth) {
  const torch::Tensor distance = levels.slice(0, 1, 2) - levels.slice(0, 0, 1);
  const torch::Tensor kept = torch::minimum(torch::maximum(truth, levels.slice(0, 0, 1)), levels.slice(0, -1));
  const torch::Tensor steps = (levels.unsqueeze(0) - kept.unsqueeze(1)) / distance;  // [pairs, levels]
  const torch::Tensor goal = torch::softmax(-0.5 * steps.square(), 1);
  return -(goal * torch::log_softmax(scores, 1)).sum(1).mean();
}

}  // namespace deepbindnet
