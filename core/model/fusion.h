// Cross-modal attention between the atoms of a molecule and the tokens of a protein, gated or not.
#ifndef DEEPBINDNET_CORE_MODEL_FUSION_H_
#define DEEPBINDNET_CORE_MODEL_FUSION_H_

#include <torch/torch.h>

#include "core/model/model_options.h"

namespace deepbindnet {

// One side of a fusion layer: what this side's tokens H do with the context C that they read from the other side, by
// attention of several heads.
//   gated:    g = sigmoid(W_g [H || C] + b),  H' = LN(H + g * C)
//   standard: H' = LN(H + C)
// The gate is the only difference between the two model types: every other parameter has the same name and shape, and
// with the same seed the same initial values. The other side's values start at zero, so that a layer begins by passing
// its tokens on.
class FusionSideImpl : public torch::nn::Module {
 public:
  explicit FusionSideImpl(const ModelOptions& options);

  // Query of this side, and key and value for the other side. Depends on no pair: in the first layer it is computed
  // once per distinct molecule or protein. Shape: tokens [rows, hidden] -> [rows, 3 * hidden].
  torch::Tensor Project(const torch::Tensor& tokens);

  // Shape: tokens [any, hidden], in the first layer those of distinct entities; rows [n] int64, which of them each row
  // of the pairs is; context [n, hidden], what CrossAttention read -> [n, hidden]. Writes the gate's values [n, gate]
  // to `gate` where that is not null and there is a gate.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& rows, const torch::Tensor& context,
                        torch::Tensor* gate = nullptr);

 private:
  torch::nn::Linear project_{nullptr};
  // The two halves of W_g, and b; null for the standard model.
  torch::nn::Linear token_gate_{nullptr}, context_gate_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(FusionSide);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_FUSION_H_
