// Operators over packed rows of tokens, with gradients. In float and for widths that are multiples of kKernelWidth they
// run in the loops of core/compute/kernels.h, or of cuda_kernels.h on a GPU; everywhere else they are composed of
// LibTorch's operators, which say the same.
#ifndef DEEPBINDNET_CORE_MODEL_ROW_OPS_H_
#define DEEPBINDNET_CORE_MODEL_ROW_OPS_H_

#include <torch/torch.h>

#include <utility>
#include <vector>

#include "core/data/batch.h"

namespace deepbindnet {

// Rows of `table` by index: the gradient's scatter runs in parallel on the CPU, unlike that of index_select.
// Shape: table [rows, width], index [...] int64 -> [..., width].
inline torch::Tensor GatherRows(const torch::Tensor& table, const torch::Tensor& index) {
  return torch::embedding(table, index);
}

// Sums of rows of `table`; a negative index stands for zeros.
// Shape: table [rows, width], index [n, columns] int64 -> [n, width].
torch::Tensor SumTableRows(const torch::Tensor& table, const torch::Tensor& index);

// What each row hears from its neighbours: sum over k of relu(rows[neighbors[i, k]] + table[codes[i, k]]); a negative
// code stands for no neighbour.
// Shape: rows [n, width], table [codes, width], neighbors and codes [n, columns] int64 -> [n, width].
torch::Tensor NeighborMessages(const torch::Tensor& rows, const torch::Tensor& table, const torch::Tensor& neighbors,
                               const torch::Tensor& codes);

// Rows of one side of all pairs: queries, keys and values side by side, and which of them each pair has.
struct AttentionSide {
  torch::Tensor projected;  // [rows, 3 * hidden]: query, key, value
  const RowRanges& ranges;  // [pairs], among the rows; several pairs may share some
  int64_t packed_rows;      // Of what is read, at least ranges.total.
};

// Attention weights of one pair, by side: [heads, queries, keys]; each row sums to 1.
struct PairWeights {
  torch::Tensor drug, target;
};

// Scaled dot-product attention over several heads, in both directions within each pair: what the rows of each side read
// from those of the other. Rows behind the last are 0. Writes the weights of every pair where `weights` is not null.
// Shape: -> [packed_rows, hidden] of the drug's and of the target's side, pair by pair.
std::pair<torch::Tensor, torch::Tensor> CrossAttention(const AttentionSide& drug, const AttentionSide& target,
                                                       int64_t heads, std::vector<PairWeights>* weights = nullptr);

// norm(h[rows] + g * c) with g = sigmoid(gate_h[rows] + gate_c), where there is a gate, else 1; norm is layer
// normalisation with `scale` and `shift`. Writes g [n, gate] to `gate` where that is not null and there is a gate,
// which has a value for each channel, for each of several blocks of channels (heads), or one. Shape: h [any, hidden],
// gate_h [any, gate], rows [n] int64, c [n, hidden], gate_c [n, gate] -> [n, hidden]. gate_h and gate_c are undefined
// where there is no gate.
struct GatedInput {
  torch::Tensor h, gate_h, rows, c, gate_c;
};
torch::Tensor GatedResidualNorm(const GatedInput& input, torch::nn::LayerNorm norm, torch::Tensor* gate);

// Weighted mean of each range's rows with weights softmax(row . direction), and their largest values by channel. Rows
// that hold a largest value together share its gradient. Writes the weights [ranges.total], range by range, where
// `weights` is not null.
// Shape: rows [any, width], direction [width] -> [ranges, 2 * width].
torch::Tensor PoolRanges(const torch::Tensor& rows, const torch::Tensor& direction, const RowRanges& ranges,
                         torch::Tensor* weights = nullptr);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_ROW_OPS_H_
