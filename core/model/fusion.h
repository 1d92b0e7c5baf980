// Cross-modal attention between the atoms of a molecule and the tokens of a protein, gated or not.
#ifndef DEEPBINDNET_CORE_MODEL_FUSION_H_
#define DEEPBINDNET_CORE_MODEL_FUSION_H_

#include <torch/torch.h>

#include "core/model/model_options.h"

namespace deepbindnet {

// Scaled dot-product attention over several heads. Writes the weights [pairs, heads, n, m], each row of which sums to 1
// over the unmasked keys, to `weights` where that is not null.
// Shape: query [pairs, n, hidden], key and value [pairs, m, hidden], key_mask [pairs, m] bool -> [pairs, n, hidden].
torch::Tensor MultiHeadAttention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                                 const torch::Tensor& key_mask, int64_t heads, torch::Tensor* weights = nullptr);

// One side of a fusion layer: what this side's tokens H do with the context they read from the other side.
//   C = W_o MHA(q, k, v)
//   gated:    g = sigmoid(W_g [H || C] + b),  H' = LN(H + g * C)
//   standard: H' = LN(H + C)
//   H'' = LN(H' + W_2 relu(W_1 H'))
// The gate is the only difference between the two model types: every other parameter has the same name and shape, and
// with the same seed the same initial values.
class FusionSideImpl : public torch::nn::Module {
 public:
  explicit FusionSideImpl(const ModelOptions& options);

  // Query of this side, and key and value for the other side. Depends on no pair: in the first layer it is computed
  // once per distinct molecule or protein. Shape: tokens [rows, hidden] -> [rows, 3 * hidden].
  torch::Tensor Project(const torch::Tensor& tokens);

  // Shape: tokens [rows, hidden]; attended [rows, hidden], what MultiHeadAttention read -> [rows, hidden]. Writes the
  // gate's values [rows, gate] to `gate` where that is not null and there is a gate.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& attended, torch::Tensor* gate = nullptr);

 private:
  torch::Tensor Gated(const torch::Tensor& tokens, const torch::Tensor& context, torch::Tensor* gate);

  const int64_t hidden_, heads_;
  torch::nn::Linear project_{nullptr}, out_{nullptr}, expand_{nullptr}, contract_{nullptr};
  torch::nn::Linear gate_{nullptr};  // W_g and b; null for the standard model.
  torch::nn::LayerNorm attention_norm_{nullptr}, feed_forward_norm_{nullptr};
};
TORCH_MODULE(FusionSide);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_FUSION_H_
