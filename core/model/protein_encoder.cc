#include "core/model/protein_encoder.h"

#include <algorithm>
#include <vector>

#include "core/chem/protein.h"
#include "core/model/tensor_ops.h"

namespace deepbindnet {
namespace {

constexpr int kTokenLayers = 3;
constexpr int64_t kKernel = 5;

torch::nn::LayerNorm Norm(int64_t width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); }

// The `kernel` positions around each one, 0 beyond the ends. Shape: [positions, width] -> [positions, kernel * width].
torch::Tensor Windows(const torch::Tensor& x, int64_t kernel) {
  const torch::Tensor padded = torch::constant_pad_nd(x, {0, 0, kernel / 2, kernel / 2});
  std::vector<torch::Tensor> shifted;
  for (int64_t k = 0; k < kernel; ++k) shifted.push_back(padded.narrow(0, k, x.size(0)));
  return torch::cat(shifted, 1);
}

}  // namespace

ResidualConvolutionImpl::ResidualConvolutionImpl(int64_t width, int64_t kernel)
    : kernel_(kernel),
      window_(register_module("window", torch::nn::Linear(kernel * width, width))),
      contract_(register_module("contract", torch::nn::Linear(width, width))),
      norm_(register_module("norm", Norm(width))) {}

torch::Tensor ResidualConvolutionImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  return norm_(x + contract_(torch::relu(window_(Windows(x, kernel_))))) * mask;
}

ProteinEncoderImpl::ProteinEncoderImpl(const ModelOptions& options) : merged_(options.residues_per_token / kStride) {
  const int64_t hidden = options.hidden_dim, embedding = std::max<int64_t>(16, hidden / 4);
  residues_ = register_parameter("residues", torch::randn({kResidueVocabulary, embedding}));
  first_ = register_module("first", torch::nn::Linear(3 * kStride * embedding, hidden));
  first_norm_ = register_module("first_norm", Norm(hidden));
  local_ = register_module("local", ResidualConvolution(hidden, 3));
  merge_ = register_module("merge", torch::nn::Linear(merged_ * hidden, hidden));
  merge_norm_ = register_module("merge_norm", Norm(hidden));
  for (int i = 0; i < kTokenLayers; ++i) layers_->push_back(ResidualConvolution(hidden, kKernel));
  register_module("layers", layers_);
  if (options.protein_feature_dim == 0) return;
  features_ = register_module("features", torch::nn::Linear(options.protein_feature_dim, hidden));
}

torch::Tensor ProteinEncoderImpl::forward(const PairBatch& batch) {
  // Norms run in the parameters' type, also where the products before them ran in bf16.
  const torch::Dtype type = residues_.scalar_type();
  const torch::Tensor embedded = GatherRows(residues_, batch.residues) * batch.residue_mask;
  // A position stands for 4 residues, and counts where its first one does.
  const torch::Tensor mask = batch.residue_mask.slice(0, 0, embedded.size(0), kStride);
  torch::Tensor x = embedded.view({mask.size(0), -1});
  x = first_norm_(torch::relu(first_(Windows(x, 3))).to(type)) * mask;
  x = local_(x, mask);
  x = merge_norm_(merge_(x.view({mask.size(0) / merged_, -1})).to(type)) * batch.token_mask;
  for (const auto& layer : *layers_) x = layer->as<ResidualConvolutionImpl>()->forward(x, batch.token_mask);
  if (features_.is_empty()) return x;
  const torch::Tensor projected = features_(batch.protein_features.to(type)).to(type);
  return x + GatherRows(projected, batch.token_protein) * batch.token_mask;
}

}  // namespace deepbindnet
