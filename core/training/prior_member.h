// The first of several members, which alone has the similarity prior: how long it learns, and how much it counts.
#ifndef DEEPBINDNET_CORE_TRAINING_PRIOR_MEMBER_H_
#define DEEPBINDNET_CORE_TRAINING_PRIOR_MEMBER_H_

#include <torch/torch.h>

#include <limits>

namespace deepbindnet {

// It has little to learn beyond its prior, and overfits while the others go on learning: after kPriorPart of the run,
// or before when its own validation error has not fallen for kPriorPatience epochs, it goes back to the weights of its
// best epoch and rests.
inline constexpr double kPriorPart = 1.0 / 3;
inline constexpr int kPriorPatience = 2;

struct PriorMember {
  double lowest_mse = std::numeric_limits<double>::infinity();  // Of the validation part, z-scored; its own alone.
  int best_epoch = 0;                                           // Whose that is; 0 before the first.
  torch::Tensor best_weights;  // [its parameters] float, averaged, of that epoch; undefined before the first
  bool rests = false;          // Has the best weights and learns no more.
};

// Whether it is to rest from the end of `epoch` on, at `progress` in [0, 1] of the run.
bool IsToRest(const PriorMember& member, int epoch, double progress);

// Shares that give the lowest mean squared error when the members but the first count alike: least squares, within
// [0, 1]. Equal ones where the first says what the others say together.
// Shape: predictions [members, pairs], truth [pairs], all z-scored -> [members] float, which add up to 1.
torch::Tensor FitShares(const torch::Tensor& predictions, const torch::Tensor& truth);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_PRIOR_MEMBER_H_
