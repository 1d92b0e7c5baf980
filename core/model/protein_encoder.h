// Residues to protein tokens: strided and residual convolutions.
#ifndef DEEPBINDNET_CORE_MODEL_PROTEIN_ENCODER_H_
#define DEEPBINDNET_CORE_MODEL_PROTEIN_ENCODER_H_

#include <torch/torch.h>

#include "core/data/batch.h"
#include "core/model/model_options.h"

namespace deepbindnet {

// A residual convolution along the sequence: x' = LN(x + W2 relu(W1 [x_{t-r} .. x_{t+r}])) * mask. The window is
// gathered and multiplied as one matrix product, which CPUs run faster than a convolution of this size.
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

// Residue embedding; a convolution of 12 residues with stride 4; a residual convolution; a merge of the 4 (2)
// neighbouring positions of one token of 16 (8) residues; residual convolutions over tokens. Proteins stand one
// behind the other with empty tokens between them; what is no residue is masked to 0 after every step, so that a
// protein's tokens depend on nothing but its own residues. Where proteins have features, a learned linear projection of
// a protein's vector is added to each of its tokens at the end.
class ProteinEncoderImpl : public torch::nn::Module {
 public:
  explicit ProteinEncoderImpl(const ModelOptions& options);

  // Shape: -> [tokens, hidden], the tokens of all distinct proteins of the batch, 0 where there is none. The batch has
  // protein_features where the model's protein_feature_dim is above 0.
  torch::Tensor forward(const PairBatch& batch);

 private:
  static constexpr int64_t kStride = 4;

  int64_t merged_;          // Positions a token merges.
  torch::Tensor residues_;  // [kResidueVocabulary, embedding]
  torch::nn::Linear first_{nullptr}, merge_{nullptr};
  torch::nn::LayerNorm first_norm_{nullptr}, merge_norm_{nullptr};
  ResidualConvolution local_{nullptr};
  torch::nn::ModuleList layers_;
  torch::nn::Linear features_{nullptr};  // Null without protein features.
};
TORCH_MODULE(ProteinEncoder);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_PROTEIN_ENCODER_H_
