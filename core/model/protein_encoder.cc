#include "core/model/protein_encoder.h"

#include <vector>

#include "core/chem/protein.h"
#include "core/model/row_ops.h"

namespace deepbindnet {
namespace {

constexpr int kTokenLayers = 2;
constexpr double kRowScale = 0.1;  // Standard deviation of the rows of residues and triplets at the start.
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
      norm_(register_module("norm", Norm(width))) {
  torch::nn::init::zeros_(contract_->weight);
  torch::nn::init::zeros_(contract_->bias);
}

torch::Tensor ResidualConvolutionImpl::forward(const torch::Tensor& x, const torch::Tensor& mask) {
  return norm_(x + contract_(torch::relu(window_(Windows(x, kernel_))))) * mask;
}

ProteinEncoderImpl::ProteinEncoderImpl(const ModelOptions& options) {
  const int64_t hidden = options.hidden_dim;
  residues_ = register_parameter("residues", torch::randn({kResidueVocabulary, hidden}) * kRowScale);
  triplets_ = register_parameter("triplets", torch::randn({kTripletCodes, hidden}) * kRowScale);
  norm_ = register_module("norm", Norm(hidden));
  for (int i = 0; i < kTokenLayers; ++i) layers_->push_back(ResidualConvolution(hidden, kKernel));
  register_module("layers", layers_);
  if (options.protein_feature_dim == 0) return;
  features_ = register_module("features", torch::nn::Linear(options.protein_feature_dim, hidden));
}

torch::Tensor ProteinEncoderImpl::forward(const PairBatch& batch) {
  // Norms run in the parameters' type, also where the products before them ran in bf16.
  const torch::Dtype type = residues_.scalar_type();
  torch::Tensor x =
      norm_(SumTableRows(residues_, batch.residues) + SumTableRows(triplets_, batch.triplets) / batch.kept_triplets);
  x = x * batch.token_mask;
  for (const auto& layer : *layers_) x = layer->as<ResidualConvolutionImpl>()->forward(x, batch.token_mask);
  if (features_.is_empty()) return x;
  const torch::Tensor projected = features_(batch.protein_features.to(type)).to(type);
  return x + GatherRows(projected, batch.token_protein) * batch.token_mask;
}

}  // namespace deepbindnet
