// Residues to protein tokens: what residues they have, and residual convolutions over tokens.
#ifndef DEEPBINDNET_CORE_MODEL_PROTEIN_ENCODER_H_
#define DEEPBINDNET_CORE_MODEL_PROTEIN_ENCODER_H_

#include <torch/torch.h>

#include "core/data/batch.h"
#include "core/model/model_options.h"

namespace deepbindnet {

// A residual convolution along the sequence: x' = LN(x + W2 relu(W1 [x_{t-r} .. x_{t+r}])) * mask. The window is
// gathered and multiplied as one matrix product, which CPUs run faster than a convolution of this size. W2 starts at
// zero, so that a layer begins by passing its tokens on.
class ResidualConvolutionImpl : public torch::nn::Module {
 public:
  // `kernel` positions, odd.
  ResidualConvolutionImpl(int64_t width, int64_t kernel);

  // Shape: x [positions, width], mask [positions, 1] float -> as x, 0 where the mask is 0.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask);

 private:
  int64_t kernel_;
  torch::nn::Linear window_{nullptr}, contract_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(ResidualConvolution);

// A token stands for residues_per_token residues. It starts as the normalised sum of a learned row for each of them and
// for each with its two neighbours: a spectrum of the sequence, in which related proteins are alike. Residual
// convolutions over tokens follow. Proteins stand one behind the other with empty tokens between them; what is no token
// is masked to 0 after every step, so that a protein's tokens depend on nothing but its own residues. Where proteins
// have features, a learned linear projection of a protein's vector is added to each of its tokens at the end.
class ProteinEncoderImpl : public torch::nn::Module {
 public:
  explicit ProteinEncoderImpl(const ModelOptions& options);

  // Shape: -> [tokens, hidden], the tokens of all distinct proteins of the batch, 0 where there is none. The batch has
  // protein_features where the model's protein_feature_dim is above 0.
  torch::Tensor forward(const PairBatch& batch);

 private:
  torch::Tensor residues_;  // [kResidueVocabulary, hidden]
  torch::Tensor triplets_;  // [kTripletCodes, hidden]
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::ModuleList layers_;
  torch::nn::Linear features_{nullptr};  // Null without protein features.
};
TORCH_MODULE(ProteinEncoder);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_PROTEIN_ENCODER_H_
