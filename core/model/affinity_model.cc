#include "core/model/affinity_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/model/tensor_ops.h"

namespace deepbindnet {
namespace {

// Share of the newest step in the running statistics of Standardize after the first steps, and the least variance it
// divides by.
constexpr double kNewShare = 0.05;
constexpr double kSmallestVariance = 1e-4;

// Appends what a gate said about real rows: those behind the last padded place only round up the batch.
void Append(const torch::Tensor& gate, const std::vector<torch::Tensor>& masks, std::vector<torch::Tensor>* gates) {
  if (gates == nullptr || !gate.defined()) return;
  int64_t rows = 0;
  for (const torch::Tensor& mask : masks) rows += mask.sum().item<int64_t>();
  gates->push_back(gate.slice(0, 0, rows));
}

}  // namespace

AttentionPoolImpl::AttentionPoolImpl(int64_t hidden)
    : score_(register_module("score", torch::nn::Linear(torch::nn::LinearOptions(hidden, 1).bias(false)))) {}

torch::Tensor AttentionPoolImpl::forward(const torch::Tensor& tokens, const torch::Tensor& mask,
                                         torch::Tensor* weights) {
  const torch::Tensor scores = (tokens * score_->weight.view({-1})).sum(2);
  const torch::Tensor shares = torch::softmax(scores + MaskBias(mask, scores.scalar_type()), 1);
  if (weights != nullptr) *weights = shares.detach();
  const torch::Tensor largest = (tokens + MaskBias(mask, tokens.scalar_type()).unsqueeze(2)).amax(1);
  return torch::cat({(tokens * shares.unsqueeze(2)).sum(1), largest}, 1);
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
  first_ = register_module("first", linear(4 * pooled, width));
  second_ = register_module("second", linear(width, width));
  last_ = register_module("last", linear(width, 1));
  drug_factors_ = register_module("drug_factors", linear(pooled, rank));
  target_factors_ = register_module("target_factors", linear(pooled, rank));
  drug_bias_ = register_module("drug_bias", linear(pooled, 1));
  target_bias_ = register_module("target_bias", linear(pooled, 1));
}

torch::Tensor AffinityHeadImpl::Dropout(const torch::Tensor& x) {
  if (!is_training() || dropout_rate_ == 0) return x;
  return x * torch::empty_like(x).bernoulli_(1 - dropout_rate_, generator_).div_(1 - dropout_rate_);
}

torch::Tensor AffinityHeadImpl::forward(const torch::Tensor& fused_drug, const torch::Tensor& fused_target,
                                        const torch::Tensor& drug, const torch::Tensor& target) {
  torch::Tensor x = Dropout(torch::cat({fused_drug, fused_target, drug, target}, 1));
  x = Dropout(torch::relu(first_(x)));
  x = last_(Dropout(torch::relu(second_(x)))).squeeze(1);
  const torch::Tensor drug_factors = drug_factors_(drug), target_factors = target_factors_(target);
  const double scale = 1 / std::sqrt(static_cast<double>(drug_factors.size(1)));
  const torch::Tensor product = (drug_factors * target_factors).sum(1) * scale;
  return x + product + drug_bias_(drug).squeeze(1) + target_bias_(target).squeeze(1);
}

AffinityModelImpl::AffinityModelImpl(const ModelOptions& options) : options_(options) {
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

void AffinityModelImpl::Fuse(const PairBatch& batch, size_t layer, Side* drug, Side* target,
                             std::vector<torch::Tensor>* gates, ForwardObserver* observer) {
  const int64_t hidden = options_.hidden_dim, heads = options_.fusion_heads;
  std::vector<torch::Tensor> drug_read, target_read, atom_masks, token_masks;
  torch::Tensor drug_weights, target_weights;
  for (size_t b = 0; b < batch.buckets.size(); ++b) {
    const PairBucket& bucket = batch.buckets[b];
    const auto d = GatherRows(drug->projected, layer == 0 ? bucket.atom_rows : bucket.pair_atom_rows).split(hidden, 2);
    const auto t =
        GatherRows(target->projected, layer == 0 ? bucket.token_rows : bucket.pair_token_rows).split(hidden, 2);
    drug_read.push_back(
        MultiHeadAttention(d[0], t[1], t[2], bucket.token_mask, heads, observer == nullptr ? nullptr : &drug_weights)
            .flatten(0, 1));
    target_read.push_back(
        MultiHeadAttention(t[0], d[1], d[2], bucket.atom_mask, heads, observer == nullptr ? nullptr : &target_weights)
            .flatten(0, 1));
    if (observer != nullptr) {
      observer->OnAttention(layer, ForwardObserver::Side::kDrug, b, drug_weights);
      observer->OnAttention(layer, ForwardObserver::Side::kTarget, b, target_weights);
    }
    atom_masks.push_back(bucket.atom_mask);
    token_masks.push_back(bucket.token_mask);
  }
  torch::Tensor drug_gate, target_gate;
  drug->tokens = drug_sides_[layer]->as<FusionSideImpl>()->forward(
      drug->tokens, GatherRows(torch::cat(drug_read), batch.padded_atoms), &drug_gate);
  target->tokens = target_sides_[layer]->as<FusionSideImpl>()->forward(
      target->tokens, GatherRows(torch::cat(target_read), batch.padded_tokens), &target_gate);
  Append(drug_gate, atom_masks, gates);
  Append(target_gate, token_masks, gates);
  if (observer == nullptr || !drug_gate.defined()) return;
  observer->OnGate(layer, ForwardObserver::Side::kDrug, drug_gate);
  observer->OnGate(layer, ForwardObserver::Side::kTarget, target_gate);
}

std::pair<torch::Tensor, torch::Tensor> AffinityModelImpl::PoolFused(const PairBatch& batch, const Side& drug,
                                                                     const Side& target, ForwardObserver* observer) {
  std::vector<torch::Tensor> drugs, targets;
  torch::Tensor drug_weights, target_weights;
  for (size_t b = 0; b < batch.buckets.size(); ++b) {
    const PairBucket& bucket = batch.buckets[b];
    const torch::Tensor atoms = GatherRows(drug.tokens, bucket.pair_atom_rows);
    const torch::Tensor tokens = GatherRows(target.tokens, bucket.pair_token_rows);
    drugs.push_back(fused_drug_pool_->forward(atoms, bucket.atom_mask, &drug_weights));
    targets.push_back(fused_target_pool_->forward(tokens, bucket.token_mask, &target_weights));
    if (observer == nullptr) continue;
    observer->OnPool(ForwardObserver::Side::kDrug, b, atoms, drug_weights);
    observer->OnPool(ForwardObserver::Side::kTarget, b, tokens, target_weights);
  }
  return {torch::cat(drugs), torch::cat(targets)};
}

torch::Tensor AffinityModelImpl::forward(const PairBatch& batch, std::vector<torch::Tensor>* gates,
                                         ForwardObserver* observer) {
  return Score(batch, Encode(batch), gates, observer);
}

AffinityModelImpl::Encoded AffinityModelImpl::Encode(const PairBatch& batch) {
  const torch::Tensor atoms = molecules_(batch), tokens = proteins_(batch);
  return {atoms, tokens, drug_pool_(GatherRows(atoms, batch.molecules.rows), batch.molecules.mask),
          target_pool_(GatherRows(tokens, batch.proteins.rows), batch.proteins.mask)};
}

torch::Tensor AffinityModelImpl::Score(const PairBatch& batch, const Encoded& encoded,
                                       std::vector<torch::Tensor>* gates, ForwardObserver* observer) {
  const auto& [atoms, tokens, drugs, targets] = encoded;
  Side drug{GatherRows(atoms, batch.pair_atom_rows), {}}, target{GatherRows(tokens, batch.pair_token_rows), {}};
  for (size_t layer = 0; layer < drug_sides_->size(); ++layer) {
    // Gradients of many pairs meet in the rows of one molecule or protein: they are summed in the parameters' type.
    drug.projected =
        drug_sides_[layer]->as<FusionSideImpl>()->Project(layer == 0 ? atoms : drug.tokens).to(atoms.dtype());
    target.projected =
        target_sides_[layer]->as<FusionSideImpl>()->Project(layer == 0 ? tokens : target.tokens).to(tokens.dtype());
    Fuse(batch, layer, &drug, &target, gates, observer);
  }
  const auto [fused_drugs, fused_targets] = PoolFused(batch, drug, target, observer);
  const torch::Tensor predicted =
      head_(fused_drug_scale_(fused_drugs), fused_target_scale_(fused_targets),
            drug_scale_(GatherRows(drugs, batch.drug)), target_scale_(GatherRows(targets, batch.target)));
  return predicted.to(atoms.dtype()).index_select(0, batch.order);
}

torch::Tensor TakeStatistics(const std::vector<AffinityModel>& replicas) {
  torch::Tensor taken;
  for (const AffinityModel& replica : replicas) {
    std::vector<torch::Tensor> parts;
    for (Standardize& scale : replica->scales()) parts.push_back(scale->Take());
    const torch::Tensor of_replica = torch::cat(parts);
    taken = taken.defined() ? taken + of_replica : of_replica;
  }
  return taken;
}

void CommitStatistics(const AffinityModel& model, const torch::Tensor& taken, int64_t steps) {
  const double share = std::max(kNewShare, 1 / (1 + static_cast<double>(steps)));
  const int64_t width = 1 + 4 * model->options().hidden_dim;  // Of what each remembers, whose rows are [2 * hidden].
  int64_t offset = 0;
  for (Standardize& scale : model->scales()) {
    scale->Commit(taken.narrow(0, offset, width), share);
    offset += width;
  }
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.requires_grad() ? parameter.numel() : 0;
  return count;
}

}  // namespace deepbindnet
