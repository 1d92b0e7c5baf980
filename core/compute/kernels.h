// Loops over rows of floats that LibTorch has no operator for, or only several with a pass over memory each: attention
// between ranges of rows, the gated residual with its layer norm, pooling of ranges, sums of table rows, messages
// between neighbours, and the optimiser's step; forward and backward. Free of torch. Compiled for several instruction
// sets; the best one that the machine has is chosen at run time. One thread computes a call; equal arguments give equal
// bits on one machine. Throws std::bad_alloc where there is no room for intermediate values. Measurements:
// docs/decisions/0005.
#ifndef DEEPBINDNET_CORE_COMPUTE_KERNELS_H_
#define DEEPBINDNET_CORE_COMPUTE_KERNELS_H_

#include <cstdint>

namespace deepbindnet {

// Widths are multiples of this many floats.
inline constexpr int64_t kKernelWidth = 16;

// Rows of floats, `stride` apart.
struct ConstRows {
  const float* data;
  int64_t stride;
};
struct MutableRows {
  float* data;
  int64_t stride;
};

// Range i has the rows first[i] .. first[i] + count[i] - 1; counts are 1 or more.
struct RangeList {
  const int64_t* first;
  const int64_t* count;
};

// Multi-head attention of the rows `query` of each pair over the rows `key` of the same pair. Channels are
// heads * width, head by head. What is written for a pair's queries stands one behind the other, from row packed[pair].
struct AttentionTask {
  int64_t pairs, heads, width;
  float scale;  // Of the products of query and key.
  ConstRows query, key, value;
  RangeList queries, keys;
  const int64_t* packed;
  int64_t most_queries, most_keys;  // The largest counts.
};

// out = norm(h[rows] + sigmoid(gate_h[rows] + gate_c) * c), without a gate norm(h[rows] + c); norm is layer
// normalisation over the channels with `scale` and `shift` [width].
struct GatedTask {
  int64_t rows, width;
  const int64_t* row;  // [rows], of h and gate_h
  ConstRows h, gate_h;
  const float* c;       // [rows, width]
  const float* gate_c;  // [rows, width]; null: there is no gate
  const float *scale, *shift;
};
struct GatedGradients {
  MutableRows h, gate_h;  // Added to.
  float *c, *gate_c;      // [rows, width], set.
  float *scale, *shift;   // [width], added to.
};

// The mean of each range's rows with weights softmax(row . weight), and their largest values.
struct PoolTask {
  int64_t ranges, width;
  ConstRows rows;
  RangeList range;
  int64_t most;
  const float* weight;  // [width]
};

struct AdamTask {
  int64_t size;
  float *weights, *first, *second;
  float* average;  // Null: there is none.
  const float *gradient, *decayed;
  // [1], the norm of the gradient, of which this may be a part. Where it is not finite nothing changes. The gradient is
  // divided by loss_scale and then clipped to clip_norm, where that is not 0.
  const float* norm;
  float loss_scale, clip_norm;
  // lr includes the correction of `first`; decay = lr * weight_decay.
  float beta1, beta2, lr, second_correction, epsilon, decay, average_share;
};

struct Kernels {
  const char* name;

  // out [sum of query counts, heads * width]; weights [pair by pair: heads, queries, keys] or null.
  void (*attend)(const AttentionTask& task, float* out, float* weights);
  // Adds to the gradients of query, key and value, whose rows stand as those of the task.
  void (*attend_back)(const AttentionTask& task, const float* out_gradient, const MutableRows& query,
                      const MutableRows& key, const MutableRows& value);
  // gate [rows, width], its values, or null.
  void (*gated)(const GatedTask& task, float* out, float* gate);
  void (*gated_back)(const GatedTask& task, const float* out_gradient, const GatedGradients& gradients);
  // out [ranges, 2 * width], means and largest values; weights [sum of counts] or null.
  void (*pool)(const PoolTask& task, float* out, float* weights);
  // Adds to `rows` and `weight`. Rows that hold a channel's largest value together share its gradient.
  void (*pool_back)(const PoolTask& task, const float* out_gradient, const MutableRows& rows, float* weight);
  // out[i] = sum over k of table[index[i, k]]; a negative index stands for zeros.
  void (*sum_rows)(const float* table, int64_t width, const int64_t* index, int64_t rows, int64_t columns, float* out);
  void (*sum_rows_back)(const float* out_gradient, int64_t width, const int64_t* index, int64_t rows, int64_t columns,
                        float* table);  // Added to.
  // out[i] = sum over k of relu(rows[neighbor[i, k]] + table[code[i, k]]); a negative code stands for no neighbour.
  void (*messages)(const float* rows, const float* table, int64_t width, const int64_t* neighbor, const int64_t* code,
                   int64_t count, int64_t columns, float* out);
  void (*messages_back)(const float* rows, const float* table, int64_t width, const int64_t* neighbor,
                        const int64_t* code, int64_t count, int64_t columns, const float* out_gradient,
                        float* rows_gradient, float* table_gradient);  // Added to.
  void (*adam)(const AdamTask& task);
};

// Of every instruction set that this machine has, from the least to the best; null behind them.
const Kernels* const* AllKernels();

// Of the best instruction set that this machine has.
const Kernels& BestKernels();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_KERNELS_H_
