#include "core/model/affinity_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/model/row_ops.h"
#include "core/prior/similarity_prior.h"

namespace deepbindnet {
namespace {

constexpr double kSmallestVariance = 1e-4;  // That Standardize divides by.
constexpr double kLeastStart = -10;         // Of the levels' logarithms: none is out of reach.

// What a gate said about real rows: those behind them only round up the batch.
void Append(const torch::Tensor& gate, const RowRanges& ranges, std::vector<torch::Tensor>* gates) {
  if (gates != nullptr && gate.defined()) gates->push_back(gate.narrow(0, 0, ranges.total));
}

}  // namespace

torch::Tensor LevelsOf(const ModelOptions& options) {
  return torch::linspace(options.lowest_level, options.highest_level, kLevels);
}

AttentionPoolImpl::AttentionPoolImpl(int64_t hidden)
    : score_(register_module("score", torch::nn::Linear(torch::nn::LinearOptions(hidden, 1).bias(false)))) {}

torch::Tensor AttentionPoolImpl::forward(const torch::Tensor& rows, const RowRanges& ranges, torch::Tensor* weights) {
  return PoolRanges(rows, score_->weight.view({-1}), ranges, weights);
}

StandardizeImpl::StandardizeImpl(int64_t channels)
    : mean_(register_parameter("mean", torch::zeros({channels}), /*requires_grad=*/false)),
      square_(register_parameter("square", torch::ones({channels}), /*requires_grad=*/false)) {}

torch::Tensor StandardizeImpl::forward(const torch::Tensor& x) {
  if (is_training()) {
    torch::NoGradGuard no_grad;
    const torch::Tensor seen = x.detach().to(mean_.scalar_type());
    const torch::Tensor rows = torch::full({1}, static_cast<double>(seen.size(0)), mean_.options());
    const torch::Tensor sums = torch::cat({rows, seen.sum(0), seen.square().sum(0)});
    remembered_ = remembered_.defined() ? remembered_ + sums : sums;
  }
  const torch::Tensor variance = (square_ - mean_.square()).clamp_min(kSmallestVariance);
  return (x - mean_) * variance.rsqrt();
}

torch::Tensor StandardizeImpl::Take() {
  if (!remembered_.defined()) return torch::zeros({1 + 2 * mean_.size(0)}, mean_.options());
  return std::exchange(remembered_, torch::Tensor());
}

void StandardizeImpl::Commit(const torch::Tensor& taken, double share) {
  torch::NoGradGuard no_grad;
  const int64_t channels = mean_.size(0);
  const torch::Tensor rows = taken.slice(0, 0, 1);
  const torch::Tensor means = taken.slice(0, 1) / rows.clamp_min(1);
  const torch::Tensor weight = (rows > 0).to(means.scalar_type()) * share;
  mean_.lerp_(means.slice(0, 0, channels), weight);
  square_.lerp_(means.slice(0, channels), weight);
}

AffinityHeadImpl::AffinityHeadImpl(const ModelOptions& options) : dropout_rate_(options.dropout_rate) {
  const int64_t pooled = 2 * options.hidden_dim, width = options.feature_dim;
  const int64_t rank = std::max(4, options.hidden_dim / 2);
  const auto linear = [](int64_t in, int64_t out) { return torch::nn::Linear(in, out); };
  first_ = register_module("first", linear(4 * pooled + (options.similarity_prior ? kPriorChannels : 0), width));
  second_ = register_module("second", linear(width, width));
  last_ = register_module("last", linear(width, kLevels));
  drug_factors_ = register_module("drug_factors", linear(pooled, rank));
  target_factors_ = register_module("target_factors", linear(pooled, rank));
  product_ = register_module("product", linear(rank, kLevels));
  drug_part_ = register_module("drug_part", linear(pooled, kLevels));
  target_part_ = register_module("target_part", linear(pooled, kLevels));
  last_->bias.set_data((-0.5 * LevelsOf(options).square()).clamp_min(kLeastStart));
  if (!options.similarity_prior) return;
  torch::Tensor shares = torch::zeros({kPriorChannels});
  shares.narrow(0, 0, kPriorSummands).fill_(1);
  prior_shares_ = register_parameter("prior_shares", shares);
  prior_precision_ = register_parameter("prior_precision", torch::ones({1}));
  levels_ = register_buffer("levels", LevelsOf(options));
}

torch::Tensor AffinityHeadImpl::Dropout(const torch::Tensor& x) {
  if (!is_training() || dropout_rate_ == 0) return x;
  return x * torch::empty_like(x).bernoulli_(1 - dropout_rate_, generator_).div_(1 - dropout_rate_);
}

torch::Tensor AffinityHeadImpl::forward(const torch::Tensor& fused_drug, const torch::Tensor& fused_target,
                                        const torch::Tensor& drug, const torch::Tensor& target,
                                        const torch::Tensor& prior) {
  torch::Tensor x = Dropout(torch::cat({fused_drug, fused_target, drug, target}, 1));
  if (prior_shares_.defined()) {
    x = torch::cat({x, prior.defined() ? prior : torch::zeros({x.size(0), kPriorChannels}, x.options())}, 1);
  }
  x = Dropout(torch::relu(first_(x)));
  x = last_(Dropout(torch::relu(second_(x))));
  x = x + product_(drug_factors_(drug) * target_factors_(target)) + drug_part_(drug) + target_part_(target);
  if (!prior_shares_.defined() || !prior.defined()) return x;
  const torch::Tensor centre = (prior * prior_shares_).sum(1, /*keepdim=*/true);
  return x - torch::softplus(prior_precision_) * (levels_ - centre).square();
}

AffinityNetworkImpl::AffinityNetworkImpl(const ModelOptions& options) : options_(options) {
  const int64_t hidden = options.hidden_dim;
  molecules_ = register_module("molecules", MoleculeEncoder(options));
  proteins_ = register_module("proteins", ProteinEncoder(options));
  drug_pool_ = register_module("drug_pool", AttentionPool(hidden));
  target_pool_ = register_module("target_pool", AttentionPool(hidden));
  fused_drug_pool_ = register_module("fused_drug_pool", AttentionPool(hidden));
  fused_target_pool_ = register_module("fused_target_pool", AttentionPool(hidden));
  drug_scale_ = register_module("drug_scale", Standardize(2 * hidden));
  target_scale_ = register_module("target_scale", Standardize(2 * hidden));
  fused_drug_scale_ = register_module("fused_drug_scale", Standardize(2 * hidden));
  fused_target_scale_ = register_module("fused_target_scale", Standardize(2 * hidden));
  head_ = register_module("head", AffinityHead(options));
  for (int i = 0; i < options.fusion_layers; ++i) {
    drug_sides_->push_back(FusionSide(options));
    target_sides_->push_back(FusionSide(options));
  }
  register_module("drug_sides", drug_sides_);
  register_module("target_sides", target_sides_);
}

void AffinityNetworkImpl::Fuse(const PairBatch& batch, size_t layer, Side* drug, Side* target,
                               std::vector<torch::Tensor>* gates, ForwardObserver* observer) {
  FusionSideImpl &drug_side = *drug_sides_[layer]->as<FusionSideImpl>(),
                 &target_side = *target_sides_[layer]->as<FusionSideImpl>();
  std::vector<PairWeights> weights;
  const auto [drug_read, target_read] =
      CrossAttention({drug_side.Project(drug->tokens), drug->ranges, batch.pair_atom_rows.size(0)},
                     {target_side.Project(target->tokens), target->ranges, batch.pair_token_rows.size(0)},
                     options_.fusion_heads, observer == nullptr ? nullptr : &weights);
  torch::Tensor drug_gate, target_gate;
  const bool look = gates != nullptr || observer != nullptr;
  *drug = {drug_side.forward(drug->tokens, drug->rows, drug_read, look ? &drug_gate : nullptr), batch.pair_atoms,
           torch::arange(batch.pair_atom_rows.size(0), batch.pair_atom_rows.options())};
  *target = {target_side.forward(target->tokens, target->rows, target_read, look ? &target_gate : nullptr),
             batch.pair_tokens, torch::arange(batch.pair_token_rows.size(0), batch.pair_token_rows.options())};
  Append(drug_gate, batch.pair_atoms, gates);
  Append(target_gate, batch.pair_tokens, gates);
  for (size_t pair = 0; pair < weights.size(); ++pair) {
    observer->OnAttention(layer, ForwardObserver::Side::kDrug, pair, weights[pair].drug);
    observer->OnAttention(layer, ForwardObserver::Side::kTarget, pair, weights[pair].target);
  }
  if (observer == nullptr || !drug_gate.defined()) return;
  observer->OnGate(layer, ForwardObserver::Side::kDrug, drug_gate.narrow(0, 0, batch.pair_atoms.total));
  observer->OnGate(layer, ForwardObserver::Side::kTarget, target_gate.narrow(0, 0, batch.pair_tokens.total));
}

torch::Tensor AffinityNetworkImpl::PoolFused(const Side& side, AttentionPool pool, ForwardObserver::Side name,
                                             ForwardObserver* observer) {
  torch::Tensor weights;
  torch::Tensor pooled = pool(side.tokens, side.ranges, observer == nullptr ? nullptr : &weights);
  for (int64_t pair = 0, first = 0; observer != nullptr && pair < pooled.size(0); ++pair) {
    const int64_t count = side.ranges.count[pair].item<int64_t>();
    observer->OnPool(name, pair, side.tokens.narrow(0, first, count), weights.narrow(0, first, count));
    first += count;
  }
  return pooled;
}

torch::Tensor AffinityNetworkImpl::TakeStatistics() {
  std::vector<torch::Tensor> parts;
  for (Standardize& scale : scales()) parts.push_back(scale->Take());
  return torch::cat(parts);
}

AffinityNetworkImpl::Encoded AffinityNetworkImpl::Encode(const PairBatch& batch) {
  const torch::Tensor atoms = molecules_(batch), tokens = proteins_(batch);
  return {atoms, tokens, drug_pool_(atoms, batch.molecules), target_pool_(tokens, batch.proteins)};
}

torch::Tensor AffinityNetworkImpl::Score(const PairBatch& batch, const Encoded& encoded,
                                         std::vector<torch::Tensor>* gates, ForwardObserver* observer) {
  const auto& [atoms, tokens, drugs, targets] = encoded;
  Side drug{atoms, batch.drug_atoms, batch.pair_atom_rows}, target{tokens, batch.target_tokens, batch.pair_token_rows};
  for (size_t layer = 0; layer < drug_sides_->size(); ++layer) Fuse(batch, layer, &drug, &target, gates, observer);
  const torch::Tensor fused_drugs = PoolFused(drug, fused_drug_pool_, ForwardObserver::Side::kDrug, observer);
  const torch::Tensor fused_targets = PoolFused(target, fused_target_pool_, ForwardObserver::Side::kTarget, observer);
  const torch::Tensor scores =
      head_(fused_drug_scale_(fused_drugs), fused_target_scale_(fused_targets),
            drug_scale_(GatherRows(drugs, batch.drug)), target_scale_(GatherRows(targets, batch.target)), batch.prior);
  return scores.to(atoms.dtype());
}

}  // namespace deepbindnet
