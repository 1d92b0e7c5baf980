// The network: molecules and proteins in, distributions of their z-scored affinities out.
#ifndef DEEPBINDNET_CORE_MODEL_AFFINITY_NETWORK_H_
#define DEEPBINDNET_CORE_MODEL_AFFINITY_NETWORK_H_

#include <torch/torch.h>

#include <array>
#include <utility>
#include <vector>

#include "core/data/batch.h"
#include "core/model/forward_observer.h"
#include "core/model/fusion.h"
#include "core/model/model_options.h"
#include "core/model/molecule_encoder.h"
#include "core/model/protein_encoder.h"

namespace deepbindnet {

// Weighted mean of each range's rows with weights softmax(w . row), and their largest values by channel.
class AttentionPoolImpl : public torch::nn::Module {
 public:
  explicit AttentionPoolImpl(int64_t hidden);

  // As PoolRanges(). Shape: rows [any, hidden] -> [ranges, 2 * hidden].
  torch::Tensor forward(const torch::Tensor& rows, const RowRanges& ranges, torch::Tensor* weights = nullptr);

 private:
  torch::nn::Linear score_{nullptr};
};
TORCH_MODULE(AttentionPool);

// Subtracts the running mean of each channel and divides by its running standard deviation, as they were seen in
// training. Pooled vectors of different molecules (proteins) are nearly alike at first; this makes what differs large
// enough to learn from within the first epoch. Unlike in batch normalisation, no gradient passes through the
// statistics, forward() uses those from before the step, so that an answer never depends on the rest of its batch, and
// a step moves them by a twentieth only, the first twenty by more: then they are the mean over all steps so far. They
// are parameters without gradient, so that they are averaged, saved and restored with the weights.
class StandardizeImpl : public torch::nn::Module {
 public:
  explicit StandardizeImpl(int64_t channels);

  // Shape: x [n, channels] -> as x. In training mode remembers x for Commit().
  torch::Tensor forward(const torch::Tensor& x);

  // What is remembered, which is forgotten by this: the number of rows, their sum, and the sum of their squares.
  // Shape: [1 + 2 * channels]; of several modules, add them up.
  torch::Tensor Take();

  // Moves the statistics by `share` of the way towards the means of the rows in `taken`. Does nothing where it has
  // none.
  void Commit(const torch::Tensor& taken, double share);

 private:
  torch::Tensor mean_, square_;  // [channels], running means of x and of x^2
  torch::Tensor remembered_;     // [1 + 2 * channels], see Take(); undefined where there is nothing
};
TORCH_MODULE(Standardize);

// Affinities that the head knows of, evenly spaced from ModelOptions::lowest_level to highest_level.
inline constexpr int64_t kLevels = 151;

// z-scored. Shape: [kLevels].
torch::Tensor LevelsOf(const ModelOptions& options);

// How likely each level of the affinity is, from four pooled vectors: an MLP, plus a product of low rank of the
// encoders' vectors and a part of each alone, which learn the main effects of drug and target early. A distribution can
// say that a pair is either inactive or strong, and learns values that many pairs share; the prediction is its mean
// (regression by histograms: Imani and White 2018). At the start it is about the standard normal distribution, that of
// z-scores, times one of learned width around what the similarity prior says of the pair, which the MLP is told, too.
class AffinityHeadImpl : public torch::nn::Module {
 public:
  explicit AffinityHeadImpl(const ModelOptions& options);

  // Logarithms of the levels' shares, up to a constant. `prior` is the batch's, which counts for nothing where it is
  // undefined. Shape: others [pairs, 2 * hidden] -> [pairs, kLevels].
  torch::Tensor forward(const torch::Tensor& fused_drug, const torch::Tensor& fused_target, const torch::Tensor& drug,
                        const torch::Tensor& target, const torch::Tensor& prior);

  // Where dropout draws from; at first LibTorch's generator of the device, which all threads share.
  void set_generator(const at::Generator& generator) { generator_ = generator; }

 private:
  torch::Tensor Dropout(const torch::Tensor& x);

  const double dropout_rate_;
  c10::optional<at::Generator> generator_;
  torch::nn::Linear first_{nullptr}, second_{nullptr}, last_{nullptr};
  torch::nn::Linear drug_factors_{nullptr}, target_factors_{nullptr}, product_{nullptr}, drug_part_{nullptr},
      target_part_{nullptr};
  // Of a head with a prior: how much its channels count in the mean, [kPriorChannels], and how narrow it is, [1].
  torch::Tensor prior_shares_, prior_precision_;
  torch::Tensor levels_;  // [kLevels], a buffer, so that it is where the weights are
};
TORCH_MODULE(AffinityHead);

// Encodes each distinct molecule and protein of a batch once, lets the two sides of every pair attend to each other
// fusion_layers times, pools and predicts. The same weights answer whatever else is in the batch.
class AffinityNetworkImpl : public torch::nn::Module {
 public:
  explicit AffinityNetworkImpl(const ModelOptions& options);

  // What is computed once for each distinct molecule and protein.
  struct Encoded {
    torch::Tensor atoms;    // [atoms, hidden]
    torch::Tensor tokens;   // [tokens, hidden]
    torch::Tensor drugs;    // [molecules, 2 * hidden], pooled
    torch::Tensor targets;  // [proteins, 2 * hidden], pooled
  };
  Encoded Encode(const PairBatch& batch);

  // What is computed for each pair, from what Encode() says of the batch: AffinityHead's logarithms, in the order of
  // the pairs given to EntityTable::Cut. Where `gates` is not null, appends the values of every gate [rows, gate],
  // first of the atoms' side, then of the tokens' side of each layer, without the rows that only round up the batch; a
  // standard network appends nothing. Shows itself to `observer` where that is not null. Shape: -> [pairs, kLevels].
  torch::Tensor Score(const PairBatch& batch, const Encoded& encoded, std::vector<torch::Tensor>* gates = nullptr,
                      ForwardObserver* observer = nullptr);

  // As AffinityHead's.
  void set_generator(const at::Generator& generator) { head_->set_generator(generator); }

  // What the modules of scales() remember, which is forgotten by this. Shape: [4 * (1 + 4 * hidden)].
  torch::Tensor TakeStatistics();

  // Those of the encoders' and of the fused pooled vectors; their rows are pairs.
  std::array<Standardize, 4> scales() const {
    return {drug_scale_, target_scale_, fused_drug_scale_, fused_target_scale_};
  }

 private:
  // One side of all pairs: in the first layer the tokens of distinct entities, then of the pairs themselves.
  struct Side {
    torch::Tensor tokens;  // [any, hidden]
    RowRanges ranges;      // [pairs], among the tokens
    torch::Tensor rows;    // [pair rows] int64, which of the tokens each row of the pairs is
  };
  void Fuse(const PairBatch& batch, size_t layer, Side* drug, Side* target, std::vector<torch::Tensor>* gates,
            ForwardObserver* observer);
  // The pooled vectors of all pairs, of one side. Shape: -> [pairs, 2 * hidden].
  static torch::Tensor PoolFused(const Side& side, AttentionPool pool, ForwardObserver::Side name,
                                 ForwardObserver* observer);

  const ModelOptions options_;
  MoleculeEncoder molecules_{nullptr};
  ProteinEncoder proteins_{nullptr};
  torch::nn::ModuleList drug_sides_, target_sides_;  // FusionSide, one a layer.
  AttentionPool drug_pool_{nullptr}, target_pool_{nullptr}, fused_drug_pool_{nullptr}, fused_target_pool_{nullptr};
  Standardize drug_scale_{nullptr}, target_scale_{nullptr}, fused_drug_scale_{nullptr}, fused_target_scale_{nullptr};
  AffinityHead head_{nullptr};
};
TORCH_MODULE(AffinityNetwork);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_AFFINITY_NETWORK_H_
