// Atoms to atom tokens: their features and environments, and residual GINE layers over the molecular graph.
#ifndef DEEPBINDNET_CORE_MODEL_MOLECULE_ENCODER_H_
#define DEEPBINDNET_CORE_MODEL_MOLECULE_ENCODER_H_

#include <torch/torch.h>

#include "core/data/batch.h"
#include "core/model/model_options.h"

namespace deepbindnet {

// One residual graph layer (GINE, Hu et al. 2020):
//   h_i' = LN(h_i + MLP((1 + eps) h_i + sum_j relu(h_j + e_ij)))
// with e_ij from a table of bond codes and a learned eps. MLP is one hidden layer of relu; its last layer starts at
// zero, so that a layer begins by passing its atoms on.
class GraphLayerImpl : public torch::nn::Module {
 public:
  explicit GraphLayerImpl(int64_t hidden);

  // Shape: atoms [atoms, hidden]; neighbors, neighbor_bonds [atoms, degree] as in PairBatch -> [atoms, hidden].
  torch::Tensor forward(const torch::Tensor& atoms, const torch::Tensor& neighbors,
                        const torch::Tensor& neighbor_bonds);

 private:
  torch::Tensor bonds_;  // [kBondCodes, hidden]
  torch::Tensor eps_;    // [1]
  torch::nn::Linear expand_{nullptr}, contract_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(GraphLayer);

// An atom starts as the normalised sum of what it is and of the substructures that it is the centre of (its features
// and environments, one learned row each), as in a fingerprint whose bits are learned; graph layers follow.
class MoleculeEncoderImpl : public torch::nn::Module {
 public:
  explicit MoleculeEncoderImpl(const ModelOptions& options);

  // Shape: -> [atoms, hidden], the atoms of all distinct molecules of the batch.
  torch::Tensor forward(const PairBatch& batch);

 private:
  torch::Tensor atoms_;         // [sum of kAtomFeatureSizes, hidden], one table for all columns
  torch::Tensor environments_;  // [kEnvironmentRadii * kEnvironmentCodes, hidden]
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::ModuleList layers_;
};
TORCH_MODULE(MoleculeEncoder);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_MOLECULE_ENCODER_H_
