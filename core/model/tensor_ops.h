// Small tensor helpers that every module here shares.
#ifndef DEEPBINDNET_CORE_MODEL_TENSOR_OPS_H_
#define DEEPBINDNET_CORE_MODEL_TENSOR_OPS_H_

#include <torch/torch.h>

namespace deepbindnet {

// Rows of `table` by index: the gradient's scatter runs in parallel on the CPU, unlike that of index_select.
// Shape: table [rows, width], index [...] int64 -> [..., width].
inline torch::Tensor GatherRows(const torch::Tensor& table, const torch::Tensor& index) {
  return torch::embedding(table, index);
}

// What is added to attention scores: 0 where `mask` is true, a large negative number elsewhere.
// Shape: mask [...] bool -> [...] of `type`.
inline torch::Tensor MaskBias(const torch::Tensor& mask, torch::Dtype type) {
  return torch::zeros(mask.sizes(), mask.options().dtype(type)).masked_fill_(mask.logical_not(), -30000.0);
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_TENSOR_OPS_H_
