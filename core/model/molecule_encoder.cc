#include "core/model/molecule_encoder.h"

#include <cmath>
#include <numeric>

#include "core/model/row_ops.h"

namespace deepbindnet {
namespace {

constexpr double kEnvironmentScale = 0.1;  // Standard deviation of the environments' rows at the start.

}  // namespace

GraphLayerImpl::GraphLayerImpl(int64_t hidden)
    : bonds_(register_parameter("bonds", torch::randn({kBondCodes, hidden}) * 0.1)),
      eps_(register_parameter("eps", torch::zeros({1}))),
      expand_(register_module("expand", torch::nn::Linear(hidden, 2 * hidden))),
      contract_(register_module("contract", torch::nn::Linear(2 * hidden, hidden))),
      norm_(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({hidden})))) {
  torch::nn::init::zeros_(contract_->weight);
  torch::nn::init::zeros_(contract_->bias);
}

torch::Tensor GraphLayerImpl::forward(const torch::Tensor& atoms, const torch::Tensor& neighbors,
                                      const torch::Tensor& neighbor_bonds) {
  const torch::Tensor messages = NeighborMessages(atoms, bonds_, neighbors, neighbor_bonds);
  return norm_(atoms + contract_(torch::relu(expand_((1 + eps_) * atoms + messages))));
}

MoleculeEncoderImpl::MoleculeEncoderImpl(const ModelOptions& options) {
  const int64_t rows = std::accumulate(kAtomFeatureSizes.begin(), kAtomFeatureSizes.end(), int64_t{0});
  atoms_ = register_parameter("atoms", torch::randn({rows, options.hidden_dim}) / std::sqrt(kAtomFeatures));
  environments_ = register_parameter(
      "environments",
      torch::randn({int64_t{kEnvironmentRadii} * kEnvironmentCodes, options.hidden_dim}) * kEnvironmentScale);
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({options.hidden_dim})));
  for (int i = 0; i < options.drug_layers; ++i) layers_->push_back(GraphLayer(options.hidden_dim));
  register_module("layers", layers_);
}

torch::Tensor MoleculeEncoderImpl::forward(const PairBatch& batch) {
  torch::Tensor atoms = norm_(SumTableRows(atoms_, batch.atom_features) +
                              SumTableRows(environments_, batch.environments) / batch.kept_environments);
  for (const auto& layer : *layers_) {
    atoms = layer->as<GraphLayerImpl>()->forward(atoms, batch.neighbors, batch.neighbor_bonds);
  }
  return atoms;
}

}  // namespace deepbindnet
