// What the forward pass shows of itself to one who asks. Includes torch.
#ifndef DEEPBINDNET_CORE_MODEL_FORWARD_OBSERVER_H_
#define DEEPBINDNET_CORE_MODEL_FORWARD_OBSERVER_H_

#include <torch/torch.h>

#include <cstddef>

namespace deepbindnet {

// Called by AffinityModel::forward in the order of computation, on its thread, by one member after the other. Tensors
// are on the model's device. `pair` counts the pairs of the batch.
class ForwardObserver {
 public:
  enum class Side { kDrug, kTarget };  // Whose tokens: a molecule's atoms, or a protein's tokens.

  virtual ~ForwardObserver() = default;

  // What follows is of a member that has this share of the prediction.
  virtual void OnMember(double share) = 0;

  // With which weights the tokens of `side`, the queries, read those of the other side, the keys.
  // Shape: weights [heads, queries, keys] float; each row sums to 1.
  virtual void OnAttention(size_t layer, Side side, size_t pair, const torch::Tensor& weights) = 0;

  // The gate's values for the tokens of all pairs, pair by pair. A standard model does not call it.
  // Shape: gate [pair_atoms or pair_tokens, gate] float in [0, 1].
  virtual void OnGate(size_t layer, Side side, const torch::Tensor& gate) = 0;

  // What the pool after the last layer makes of the fused tokens: their mean with these weights, and their largest
  // values by channel. Shape: tokens [n, hidden], weights [n] float, which sum to 1.
  virtual void OnPool(Side side, size_t pair, const torch::Tensor& tokens, const torch::Tensor& weights) = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_FORWARD_OBSERVER_H_
