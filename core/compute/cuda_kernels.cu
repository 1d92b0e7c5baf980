#include "core/compute/cuda_kernels.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace deepbindnet {
namespace {

constexpr int kWarp = 32, kWarps = 4, kThreads = kWarp * kWarps;
constexpr int64_t kMostBlocks = 1 << 16;
constexpr int64_t kMostSharedFloats = 12 * 1024;  // 48 KiB, which every GPU gives a block without asking.
constexpr float kNormEpsilon = 1e-5F;

thread_local cudaStream_t stream = nullptr;

void CheckStarted(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) throw std::runtime_error(std::string(kernel) + ": " + cudaGetErrorString(error));
}

int64_t BlocksFor(int64_t items, int64_t per_block) {
  return std::clamp<int64_t>((items + per_block - 1) / per_block, 1, kMostBlocks);
}

__device__ float WarpSum(float x) {
  for (int step = kWarp / 2; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffU, x, step);
  return x;
}

__device__ float WarpLargest(float x) {
  for (int step = kWarp / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffU, x, step));
  return x;
}

__device__ float Product(const float* a, const float* b, int64_t width) {
  float sum = 0;
  for (int64_t c = 0; c < width; c += 4) {
    const float4 x = *reinterpret_cast<const float4*>(a + c), y = *reinterpret_cast<const float4*>(b + c);
    sum += x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
  }
  return sum;
}

// By one warp: the first `count` values to softmax(scale * values).
__device__ void Softmax(float* values, int64_t count, float scale, int lane) {
  float most = -INFINITY, sum = 0;
  for (int64_t t = lane; t < count; t += kWarp) most = fmaxf(most, values[t] * scale);
  most = WarpLargest(most);
  for (int64_t t = lane; t < count; t += kWarp) {
    values[t] = __expf(values[t] * scale - most);
    sum += values[t];
  }
  const float inverse = 1 / WarpSum(sum);
  for (int64_t t = lane; t < count; t += kWarp) values[t] *= inverse;
  __syncwarp();
}

// ---- Attention: a block for each head of a pair, a warp for each of its queries.

__global__ void AttendKernel(AttentionTask task, float* out) {
  extern __shared__ float shared[];
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, warps = blockDim.x / kWarp;
  float* const shares = shared + warp * task.most_keys;
  const int64_t channels = task.heads * task.width;
  for (int64_t item = blockIdx.x; item < task.pairs * task.heads; item += gridDim.x) {
    const int64_t pair = item / task.heads, at = item % task.heads * task.width;
    const int64_t n = task.queries.count[pair], m = task.keys.count[pair];
    const float* const query = task.query.data + task.queries.first[pair] * task.query.stride + at;
    const float* const key = task.key.data + task.keys.first[pair] * task.key.stride + at;
    const float* const value = task.value.data + task.keys.first[pair] * task.value.stride + at;
    for (int64_t r = warp; r < n; r += warps) {
      for (int64_t t = lane; t < m; t += kWarp) {
        shares[t] = Product(query + r * task.query.stride, key + t * task.key.stride, task.width);
      }
      __syncwarp();
      Softmax(shares, m, task.scale, lane);
      for (int64_t c = lane; c < task.width; c += kWarp) {
        float sum = 0;
        for (int64_t t = 0; t < m; ++t) sum += shares[t] * value[t * task.value.stride + c];
        out[(task.packed[pair] + r) * channels + at + c] = sum;
      }
      __syncwarp();
    }
  }
}

// The gradients of keys and values are summed up in shared memory over all queries where there is room (`keep`).
__global__ void AttendBackKernel(AttentionTask task, const float* out_gradient, MutableRows query_gradient,
                                 MutableRows key_gradient, MutableRows value_gradient, bool keep) {
  extern __shared__ float shared[];
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, warps = blockDim.x / kWarp;
  float* const all_shares = shared;
  float* const all_slopes = shared + warps * task.most_keys;
  float* const keys = shared + 2 * warps * task.most_keys;
  float* const values = keys + task.most_keys * task.width;
  const int64_t channels = task.heads * task.width;
  for (int64_t item = blockIdx.x; item < task.pairs * task.heads; item += gridDim.x) {
    const int64_t pair = item / task.heads, at = item % task.heads * task.width;
    const int64_t n = task.queries.count[pair], m = task.keys.count[pair];
    const int64_t first_query = task.queries.first[pair], first_key = task.keys.first[pair];
    const float* const query = task.query.data + first_query * task.query.stride + at;
    const float* const key = task.key.data + first_key * task.key.stride + at;
    const float* const value = task.value.data + first_key * task.value.stride + at;
    const float* const slope_out = out_gradient + task.packed[pair] * channels + at;
    for (int64_t i = threadIdx.x; keep && i < m * task.width; i += blockDim.x) keys[i] = values[i] = 0;
    for (int64_t begin = 0; begin < n; begin += warps) {
      const int64_t r = begin + warp;
      float *const shares = all_shares + warp * task.most_keys, *const slopes = all_slopes + warp * task.most_keys;
      if (r < n) {
        const float* const from = slope_out + r * channels;
        for (int64_t t = lane; t < m; t += kWarp) {
          shares[t] = Product(query + r * task.query.stride, key + t * task.key.stride, task.width);
          slopes[t] = Product(from, value + t * task.value.stride, task.width);
        }
        __syncwarp();
        Softmax(shares, m, task.scale, lane);
        float mean = 0;
        for (int64_t t = lane; t < m; t += kWarp) mean += shares[t] * slopes[t];
        mean = WarpSum(mean);
        for (int64_t t = lane; t < m; t += kWarp) slopes[t] = shares[t] * (slopes[t] - mean) * task.scale;
        __syncwarp();
        for (int64_t c = lane; c < task.width; c += kWarp) {
          float sum = 0;
          for (int64_t t = 0; t < m; ++t) sum += slopes[t] * key[t * task.key.stride + c];
          atomicAdd(query_gradient.data + (first_query + r) * query_gradient.stride + at + c, sum);
        }
      }
      __syncthreads();
      const int64_t rows = min(static_cast<int64_t>(warps), n - begin);
      for (int64_t i = threadIdx.x; i < m * task.width; i += blockDim.x) {
        const int64_t t = i / task.width, c = i % task.width;
        float of_key = 0, of_value = 0;
        for (int64_t k = 0; k < rows; ++k) {
          of_key += all_slopes[k * task.most_keys + t] * query[(begin + k) * task.query.stride + c];
          of_value += all_shares[k * task.most_keys + t] * slope_out[(begin + k) * channels + c];
        }
        if (keep) {
          keys[i] += of_key;
          values[i] += of_value;
        } else {
          atomicAdd(key_gradient.data + (first_key + t) * key_gradient.stride + at + c, of_key);
          atomicAdd(value_gradient.data + (first_key + t) * value_gradient.stride + at + c, of_value);
        }
      }
      __syncthreads();
    }
    for (int64_t i = threadIdx.x; keep && i < m * task.width; i += blockDim.x) {
      const int64_t t = i / task.width, c = i % task.width;
      atomicAdd(key_gradient.data + (first_key + t) * key_gradient.stride + at + c, keys[i]);
      atomicAdd(value_gradient.data + (first_key + t) * value_gradient.stride + at + c, values[i]);
    }
    __syncthreads();
  }
}

// As many warps as have room for `floats` each.
int WarpsFor(int64_t floats, const char* kernel) {
  if (floats > kMostSharedFloats) throw std::runtime_error(std::string(kernel) + ": a range has too many rows");
  return static_cast<int>(std::min<int64_t>(kWarps, kMostSharedFloats / floats));
}

void RefuseWeights(const float* weights, const char* kernel) {
  if (weights != nullptr) throw std::runtime_error(std::string(kernel) + ": writes no weights on a GPU");
}

void Attend(const AttentionTask& task, float* out, float* weights) {
  RefuseWeights(weights, "attend");
  const int warps = WarpsFor(task.most_keys, "attend");
  AttendKernel<<<BlocksFor(task.pairs * task.heads, 1), warps * kWarp, warps * task.most_keys * sizeof(float), stream>>>(
      task, out);
  CheckStarted("attend");
}

void AttendBack(const AttentionTask& task, const float* out_gradient, const MutableRows& query, const MutableRows& key,
                const MutableRows& value) {
  const int warps = WarpsFor(2 * task.most_keys, "attend_back");
  const int64_t needed = 2 * warps * task.most_keys, kept = 2 * task.most_keys * task.width;
  const bool keep = needed + kept <= kMostSharedFloats;
  AttendBackKernel<<<BlocksFor(task.pairs * task.heads, 1), warps * kWarp, (needed + (keep ? kept : 0)) * sizeof(float),
                     stream>>>(task, out_gradient, query, key, value, keep);
  CheckStarted("attend_back");
}

// ---- Gated residual: a warp for each row, kValues channels to a lane.

template <int kValues>
struct GatedLane {
  float x[kValues], gate[kValues];  // The row before its norm, and the gate's values.
  float mean, inverse;

  __device__ void Load(const GatedTask& task, int64_t i, int lane) {
    const int64_t row = task.row[i];
    float total = 0, square = 0;
#pragma unroll
    for (int k = 0; k < kValues; ++k) {
      const int64_t w = lane + k * kWarp;
      x[k] = gate[k] = 0;
      if (w >= task.width) continue;
      float context = task.c[i * task.width + w];
      if (task.gate_c != nullptr) {
        gate[k] = 1 / (1 + __expf(-(task.gate_h.data[row * task.gate_h.stride + w] + task.gate_c[i * task.width + w])));
        context *= gate[k];
      }
      x[k] = task.h.data[row * task.h.stride + w] + context;
      total += x[k];
    }
    mean = WarpSum(total) / task.width;
#pragma unroll
    for (int k = 0; k < kValues; ++k) {
      if (lane + k * kWarp < task.width) square += (x[k] - mean) * (x[k] - mean);
    }
    inverse = rsqrtf(WarpSum(square) / task.width + kNormEpsilon);
  }
};

template <int kValues>
__global__ void GatedKernel(GatedTask task, float* out, float* gate) {
  const int lane = threadIdx.x % kWarp;
  for (int64_t i = blockIdx.x * kWarps + threadIdx.x / kWarp; i < task.rows; i += gridDim.x * kWarps) {
    GatedLane<kValues> of_row;
    of_row.Load(task, i, lane);
#pragma unroll
    for (int k = 0; k < kValues; ++k) {
      const int64_t w = lane + k * kWarp;
      if (w >= task.width) continue;
      out[i * task.width + w] = (of_row.x[k] - of_row.mean) * of_row.inverse * task.scale[w] + task.shift[w];
      if (gate != nullptr) gate[i * task.width + w] = of_row.gate[k];
    }
  }
}

template <int kValues>
__global__ void GatedBackKernel(GatedTask task, const float* out_gradient, GatedGradients gradients) {
  const int lane = threadIdx.x % kWarp;
  float of_scale[kValues] = {}, of_shift[kValues] = {};
  for (int64_t i = blockIdx.x * kWarps + threadIdx.x / kWarp; i < task.rows; i += gridDim.x * kWarps) {
    GatedLane<kValues> of_row;
    of_row.Load(task, i, lane);
    float scaled[kValues], total = 0, product = 0;
#pragma unroll
    for (int k = 0; k < kValues; ++k) {
      const int64_t w = lane + k * kWarp;
      scaled[k] = 0;
      if (w >= task.width) continue;
      const float slope = out_gradient[i * task.width + w];
      of_row.x[k] = (of_row.x[k] - of_row.mean) * of_row.inverse;
      of_scale[k] += slope * of_row.x[k];
      of_shift[k] += slope;
      scaled[k] = slope * task.scale[w];
      total += scaled[k];
      product += scaled[k] * of_row.x[k];
    }
    const float average = WarpSum(total) / task.width, along = WarpSum(product) / task.width;
    const int64_t row = task.row[i];
#pragma unroll
    for (int k = 0; k < kValues; ++k) {
      const int64_t w = lane + k * kWarp;
      if (w >= task.width) continue;
      const float dx = (scaled[k] - average - of_row.x[k] * along) * of_row.inverse;
      atomicAdd(gradients.h.data + row * gradients.h.stride + w, dx);
      if (task.gate_c == nullptr) {
        gradients.c[i * task.width + w] = dx;
        continue;
      }
      const float g = of_row.gate[k], dz = dx * task.c[i * task.width + w] * g * (1 - g);
      gradients.c[i * task.width + w] = dx * g;
      gradients.gate_c[i * task.width + w] = dz;
      atomicAdd(gradients.gate_h.data + row * gradients.gate_h.stride + w, dz);
    }
  }
#pragma unroll
  for (int k = 0; k < kValues; ++k) {
    const int64_t w = lane + k * kWarp;
    if (w >= task.width) continue;
    atomicAdd(gradients.scale + w, of_scale[k]);
    atomicAdd(gradients.shift + w, of_shift[k]);
  }
}

// Calls `start` with the values that a lane has of a row, a constant.
template <typename Start>
void ByWidth(int64_t width, const Start& start) {
  if (width <= 2 * kWarp) return start(std::integral_constant<int, 2>());
  if (width <= 4 * kWarp) return start(std::integral_constant<int, 4>());
  if (width <= 8 * kWarp) return start(std::integral_constant<int, 8>());
  if (width <= 32 * kWarp) return start(std::integral_constant<int, 32>());
  throw std::runtime_error("gated: rows are too wide");
}

constexpr int64_t kGatedBlocks = 2048;  // Each adds to the gradients of scale and shift once.

void Gated(const GatedTask& task, float* out, float* gate) {
  ByWidth(task.width, [&](auto values) {
    GatedKernel<values.value><<<BlocksFor(task.rows, kWarps), kThreads, 0, stream>>>(task, out, gate);
  });
  CheckStarted("gated");
}

void GatedBack(const GatedTask& task, const float* out_gradient, const GatedGradients& gradients) {
  const int64_t blocks = std::min(kGatedBlocks, BlocksFor(task.rows, kWarps));
  ByWidth(task.width, [&](auto values) {
    GatedBackKernel<values.value><<<blocks, kThreads, 0, stream>>>(task, out_gradient, gradients);
  });
  CheckStarted("gated_back");
}

// ---- Pooling: a block for each range.

// By one block.
__device__ void Shares(const PoolTask& task, const float* rows, int64_t count, float* shares) {
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  for (int64_t i = warp; i < count; i += kWarps) {
    float sum = 0;
    for (int64_t w = lane; w < task.width; w += kWarp) sum += rows[i * task.rows.stride + w] * task.weight[w];
    sum = WarpSum(sum);
    if (lane == 0) shares[i] = sum;
  }
  __syncthreads();
  if (warp == 0) Softmax(shares, count, 1, lane);
  __syncthreads();
}

__global__ void PoolKernel(PoolTask task, float* out) {
  extern __shared__ float shares[];
  for (int64_t range = blockIdx.x; range < task.ranges; range += gridDim.x) {
    const float* const rows = task.rows.data + task.range.first[range] * task.rows.stride;
    const int64_t count = task.range.count[range];
    Shares(task, rows, count, shares);
    for (int64_t w = threadIdx.x; w < task.width; w += kThreads) {
      float mean = 0, top = rows[w];
      for (int64_t i = 0; i < count; ++i) {
        const float x = rows[i * task.rows.stride + w];
        mean += shares[i] * x;
        top = fmaxf(top, x);
      }
      out[range * 2 * task.width + w] = mean;
      out[(range * 2 + 1) * task.width + w] = top;
    }
    __syncthreads();
  }
}

__global__ void PoolBackKernel(PoolTask task, const float* out_gradient, MutableRows rows_gradient, float* weight) {
  extern __shared__ float shared[];
  float *const shares = shared, *const slopes = shared + task.most;
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  for (int64_t range = blockIdx.x; range < task.ranges; range += gridDim.x) {
    const float* const rows = task.rows.data + task.range.first[range] * task.rows.stride;
    float* const gradients = rows_gradient.data + task.range.first[range] * rows_gradient.stride;
    const float *const of_mean = out_gradient + range * 2 * task.width, *const of_top = of_mean + task.width;
    const int64_t count = task.range.count[range];
    Shares(task, rows, count, shares);
    for (int64_t i = warp; i < count; i += kWarps) {
      float sum = 0;
      for (int64_t w = lane; w < task.width; w += kWarp) sum += rows[i * task.rows.stride + w] * of_mean[w];
      sum = WarpSum(sum);
      if (lane == 0) slopes[i] = sum;
    }
    __syncthreads();
    if (warp == 0) {
      float average = 0;
      for (int64_t i = lane; i < count; i += kWarp) average += shares[i] * slopes[i];
      average = WarpSum(average);
      for (int64_t i = lane; i < count; i += kWarp) slopes[i] = shares[i] * (slopes[i] - average);
    }
    __syncthreads();
    for (int64_t w = threadIdx.x; w < task.width; w += kThreads) {
      float top = rows[w], holders = 0, to_weight = 0;
      for (int64_t i = 1; i < count; ++i) top = fmaxf(top, rows[i * task.rows.stride + w]);
      for (int64_t i = 0; i < count; ++i) holders += rows[i * task.rows.stride + w] == top ? 1 : 0;
      for (int64_t i = 0; i < count; ++i) {
        const float x = rows[i * task.rows.stride + w];
        atomicAdd(gradients + i * rows_gradient.stride + w,
                  shares[i] * of_mean[w] + slopes[i] * task.weight[w] + (x == top ? of_top[w] / holders : 0));
        to_weight += slopes[i] * x;
      }
      atomicAdd(weight + w, to_weight);
    }
    __syncthreads();
  }
}

void Pool(const PoolTask& task, float* out, float* weights) {
  RefuseWeights(weights, "pool");
  WarpsFor(task.most, "pool");
  PoolKernel<<<BlocksFor(task.ranges, 1), kThreads, task.most * sizeof(float), stream>>>(task, out);
  CheckStarted("pool");
}

void PoolBack(const PoolTask& task, const float* out_gradient, const MutableRows& rows, float* weight) {
  WarpsFor(2 * task.most, "pool_back");
  PoolBackKernel<<<BlocksFor(task.ranges, 1), kThreads, 2 * task.most * sizeof(float), stream>>>(task, out_gradient, rows,
                                                                                              weight);
  CheckStarted("pool_back");
}

// ---- Sums over table rows and neighbours: a thread for each channel of a row.

__global__ void SumRowsKernel(const float* table, int64_t width, const int64_t* index, int64_t rows, int64_t columns,
                              float* out) {
  for (int64_t i = blockIdx.x * kThreads + threadIdx.x; i < rows * width; i += gridDim.x * kThreads) {
    const int64_t w = i % width;
    float sum = 0;
    for (int64_t k = i / width * columns; k < (i / width + 1) * columns; ++k) {
      if (index[k] >= 0) sum += table[index[k] * width + w];
    }
    out[i] = sum;
  }
}

__global__ void SumRowsBackKernel(const float* out_gradient, int64_t width, const int64_t* index, int64_t rows,
                                  int64_t columns, float* table) {
  for (int64_t i = blockIdx.x * kThreads + threadIdx.x; i < rows * width; i += gridDim.x * kThreads) {
    const int64_t w = i % width;
    for (int64_t k = i / width * columns; k < (i / width + 1) * columns; ++k) {
      if (index[k] >= 0) atomicAdd(table + index[k] * width + w, out_gradient[i]);
    }
  }
}

__global__ void MessagesKernel(const float* rows, const float* table, int64_t width, const int64_t* neighbor,
                               const int64_t* code, int64_t count, int64_t columns, float* out) {
  for (int64_t i = blockIdx.x * kThreads + threadIdx.x; i < count * width; i += gridDim.x * kThreads) {
    const int64_t w = i % width;
    float sum = 0;
    for (int64_t k = i / width * columns; k < (i / width + 1) * columns; ++k) {
      if (code[k] >= 0) sum += fmaxf(rows[neighbor[k] * width + w] + table[code[k] * width + w], 0);
    }
    out[i] = sum;
  }
}

__global__ void MessagesBackKernel(const float* rows, const float* table, int64_t width, const int64_t* neighbor,
                                   const int64_t* code, int64_t count, int64_t columns, const float* out_gradient,
                                   float* rows_gradient, float* table_gradient) {
  for (int64_t i = blockIdx.x * kThreads + threadIdx.x; i < count * width; i += gridDim.x * kThreads) {
    const int64_t w = i % width;
    for (int64_t k = i / width * columns; k < (i / width + 1) * columns; ++k) {
      if (code[k] < 0 || !(rows[neighbor[k] * width + w] + table[code[k] * width + w] > 0)) continue;
      atomicAdd(rows_gradient + neighbor[k] * width + w, out_gradient[i]);
      atomicAdd(table_gradient + code[k] * width + w, out_gradient[i]);
    }
  }
}

void SumRows(const float* table, int64_t width, const int64_t* index, int64_t rows, int64_t columns, float* out) {
  SumRowsKernel<<<BlocksFor(rows * width, kThreads), kThreads, 0, stream>>>(table, width, index, rows, columns, out);
  CheckStarted("sum_rows");
}

void SumRowsBack(const float* out_gradient, int64_t width, const int64_t* index, int64_t rows, int64_t columns,
                 float* table) {
  SumRowsBackKernel<<<BlocksFor(rows * width, kThreads), kThreads, 0, stream>>>(out_gradient, width, index, rows,
                                                                               columns, table);
  CheckStarted("sum_rows_back");
}

void Messages(const float* rows, const float* table, int64_t width, const int64_t* neighbor, const int64_t* code,
              int64_t count, int64_t columns, float* out) {
  MessagesKernel<<<BlocksFor(count * width, kThreads), kThreads, 0, stream>>>(rows, table, width, neighbor, code, count,
                                                                             columns, out);
  CheckStarted("messages");
}

void MessagesBack(const float* rows, const float* table, int64_t width, const int64_t* neighbor, const int64_t* code,
                  int64_t count, int64_t columns, const float* out_gradient, float* rows_gradient,
                  float* table_gradient) {
  MessagesBackKernel<<<BlocksFor(count * width, kThreads), kThreads, 0, stream>>>(
      rows, table, width, neighbor, code, count, columns, out_gradient, rows_gradient, table_gradient);
  CheckStarted("messages_back");
}

// ---- The optimiser's step.

__global__ void AdamKernel(AdamTask task) {
  const float norm = *task.norm / task.loss_scale;
  if (!isfinite(norm)) return;
  const float scale = (task.clip_norm > 0 && norm > task.clip_norm ? task.clip_norm / norm : 1) / task.loss_scale;
  for (int64_t i = blockIdx.x * kThreads + threadIdx.x; i < task.size; i += gridDim.x * kThreads) {
    const float g = task.gradient[i] * scale;
    const float first = task.first[i] + (1 - task.beta1) * (g - task.first[i]);
    const float second = task.beta2 * task.second[i] + (1 - task.beta2) * g * g;
    float weight = task.weights[i] - task.decay * task.decayed[i] * task.weights[i];
    weight -= task.lr * first / (sqrtf(second) * task.second_correction + task.epsilon);
    task.first[i] = first;
    task.second[i] = second;
    task.weights[i] = weight;
    if (task.average != nullptr) task.average[i] += task.average_share * (weight - task.average[i]);
  }
}

void Adam(const AdamTask& task) {
  AdamKernel<<<BlocksFor(task.size, kThreads), kThreads, 0, stream>>>(task);
  CheckStarted("adam");
}

constexpr Kernels kKernels = {"CUDA",   Attend,      AttendBack, Gated,        GatedBack, Pool,
                              PoolBack, SumRows,     SumRowsBack, Messages,    MessagesBack, Adam};

}  // namespace

const Kernels& CudaKernels(void* chosen) {
  stream = static_cast<cudaStream_t>(chosen);
  return kKernels;
}

}  // namespace deepbindnet
