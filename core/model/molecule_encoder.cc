#include "core/model/molecule_encoder.h"

#include <cmath>
#include <numeric>

#include "core/model/tensor_ops.h"

namespace deepbindnet {
namespace {

constexpr double kNoBond = -1e4;

}  // namespace

GraphLayerImpl::GraphLayerImpl(int64_t hidden)
    : bonds_(register_parameter("bonds", torch::randn({kBondCodes, hidden}) * 0.1)),
      eps_(register_parameter("eps", torch::zeros({1}))),
      expand_(register_module("expand", torch::nn::Linear(hidden, 2 * hidden))),
      contract_(register_module("contract", torch::nn::Linear(2 * hidden, hidden))),
      norm_(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({hidden})))) {}

torch::Tensor GraphLayerImpl::forward(const torch::Tensor& atoms, const torch::Tensor& neighbors,
                                      const torch::Tensor& neighbor_bonds) {
  // Where there is no bond, relu turns the message into 0.
  const torch::Tensor bonds = torch::cat({bonds_, torch::full({1, bonds_.size(1)}, kNoBond, bonds_.options())});
  const torch::Tensor messages = torch::relu(GatherRows(atoms, neighbors) + GatherRows(bonds, neighbor_bonds));
  return norm_(atoms + contract_(torch::relu(expand_((1 + eps_) * atoms + messages.sum(1)))));
}

MoleculeEncoderImpl::MoleculeEncoderImpl(const ModelOptions& options) {
  const int64_t rows = std::accumulate(kAtomFeatureSizes.begin(), kAtomFeatureSizes.end(), int64_t{0});
  atoms_ = register_parameter("atoms", torch::randn({rows, options.hidden_dim}) / std::sqrt(kAtomFeatures));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({options.hidden_dim})));
  for (int i = 0; i < options.drug_layers; ++i) layers_->push_back(GraphLayer(options.hidden_dim));
  register_module("layers", layers_);
}

torch::Tensor MoleculeEncoderImpl::forward(const PairBatch& batch) {
  torch::Tensor atoms = norm_(GatherRows(atoms_, batch.atom_features).sum(1));
  for (const auto& layer : *layers_) {
    atoms = layer->as<GraphLayerImpl>()->forward(atoms, batch.neighbors, batch.neighbor_bonds);
  }
  return atoms;
}

}  // namespace deepbindnet
