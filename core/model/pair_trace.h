// How one pair went through the model: who attended to whom, what the gates let through and what the pools took, each
// the mean over the model's members.
#ifndef DEEPBINDNET_CORE_MODEL_PAIR_TRACE_H_
#define DEEPBINDNET_CORE_MODEL_PAIR_TRACE_H_

#include <torch/torch.h>

#include <vector>

#include "core/data/batch.h"
#include "core/model/affinity_model.h"

namespace deepbindnet {

// One side in one fusion layer: n tokens (atoms, or tokens of the protein) beside the other side's m.
struct LayerTrace {
  torch::Tensor attention;  // [n, m] float: how each token reads the other side, mean over heads; rows sum to 1
  torch::Tensor received;   // [heads, n] float: what the other side pays each token, mean over its m; rows sum to 1
  torch::Tensor gate;       // [n] float: mean over the gate's channels; exactly 1 in a standard model
};

// One side of the pair, without padding, on the CPU.
struct SideTrace {
  std::vector<LayerTrace> layers;
  torch::Tensor pooling;  // [n] float: weights in the mean of the pool after the last layer; sum to 1
  // [n] float: the share of the channels whose largest value, which is the pool's other half, is this token's. Tokens
  // within 1e-5 of the largest divide the channel between them. Sums to 1.
  torch::Tensor largest;
};

struct PairTrace {
  double z = 0;  // z-scored prediction: what PredictPairs says of the pair alone.
  SideTrace drug, target;
};

// Traces a batch of exactly one pair, which is on the model's device. The model is in evaluation mode. Keeps no tensor
// of more than heads * n * m values longer than a layer. Safe to call from several threads on one model.
PairTrace TracePair(AffinityModel model, const PairBatch& batch);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_PAIR_TRACE_H_
