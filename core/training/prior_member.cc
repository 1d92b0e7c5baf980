#include "core/training/prior_member.h"

#include <algorithm>

namespace deepbindnet {

bool IsToRest(const PriorMember& member, int epoch, double progress) {
  return progress >= kPriorPart || epoch - member.best_epoch >= kPriorPatience;
}

torch::Tensor FitShares(const torch::Tensor& predictions, const torch::Tensor& truth) {
  const int64_t members = predictions.size(0);
  const torch::Tensor exact = predictions.to(torch::kFloat64);
  const torch::Tensor others = exact.slice(0, 1).mean(0), first = exact[0] - others;
  const double scale = first.square().sum().item<double>();
  if (scale == 0) return torch::full({members}, 1.0 / static_cast<double>(members));
  const double share = std::clamp((first * (truth - others)).sum().item<double>() / scale, 0.0, 1.0);
  torch::Tensor shares = torch::full({members}, (1 - share) / static_cast<double>(members - 1));
  shares[0] = share;
  return shares;
}

}  // namespace deepbindnet
