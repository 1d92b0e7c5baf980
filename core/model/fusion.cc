#include "core/model/fusion.h"

#include <cmath>

#include "core/model/tensor_ops.h"

namespace deepbindnet {
namespace {

int64_t GateWidth(const ModelOptions& options) {
  switch (options.gate_kind) {
    case GateKind::kVector:
      return options.hidden_dim;
    case GateKind::kHead:
      return options.fusion_heads;
    case GateKind::kScalar:
      return 1;
  }
  return options.hidden_dim;
}

}  // namespace

torch::Tensor MultiHeadAttention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                                 const torch::Tensor& key_mask, int64_t heads, torch::Tensor* weights) {
  const int64_t pairs = query.size(0), width = query.size(2) / heads;
  const auto split = [&](const torch::Tensor& x) {  // [pairs, heads, tokens, width]
    return x.reshape({pairs, x.size(1), heads, width}).transpose(1, 2);
  };
  torch::Tensor scores =
      torch::matmul(split(query), split(key).transpose(2, 3)) / std::sqrt(static_cast<double>(width));
  scores = scores + MaskBias(key_mask, scores.scalar_type()).view({pairs, 1, 1, -1});
  const torch::Tensor shares = torch::softmax(scores, 3);
  if (weights != nullptr) *weights = shares.detach();
  const torch::Tensor context = torch::matmul(shares, split(value));
  return context.transpose(1, 2).reshape({pairs, query.size(1), heads * width});
}

FusionSideImpl::FusionSideImpl(const ModelOptions& options)
    : hidden_(options.hidden_dim), heads_(options.fusion_heads) {
  const auto norm = [&] { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({hidden_})); };
  project_ = register_module("project", torch::nn::Linear(hidden_, 3 * hidden_));
  out_ = register_module("out", torch::nn::Linear(hidden_, hidden_));
  attention_norm_ = register_module("attention_norm", norm());
  expand_ = register_module("expand", torch::nn::Linear(hidden_, options.feature_dim));
  contract_ = register_module("contract", torch::nn::Linear(options.feature_dim, hidden_));
  feed_forward_norm_ = register_module("feed_forward_norm", norm());
  // Drawn whatever the type and the kind, so that what is drawn after it does not depend on them.
  torch::nn::Linear gate(2 * hidden_, hidden_);
  if (options.model_type == ModelType::kStandard) return;
  const int64_t width = GateWidth(options);
  gate->weight.set_data(gate->weight.detach().narrow(0, 0, width).clone());
  gate->bias.set_data(torch::full({width}, options.gate_initial_bias, gate->bias.options()));
  gate_ = register_module("gate", gate);
}

torch::Tensor FusionSideImpl::Project(const torch::Tensor& tokens) { return project_(tokens); }

torch::Tensor FusionSideImpl::Gated(const torch::Tensor& tokens, const torch::Tensor& context, torch::Tensor* gate) {
  const torch::Tensor values = torch::sigmoid(gate_(torch::cat({tokens, context}, 1)));
  if (gate != nullptr) *gate = values.detach();
  if (values.size(1) == hidden_ || values.size(1) == 1) return values * context;
  return (values.unsqueeze(2) * context.view({-1, heads_, hidden_ / heads_})).view_as(context);
}

torch::Tensor FusionSideImpl::forward(const torch::Tensor& tokens, const torch::Tensor& attended, torch::Tensor* gate) {
  torch::Tensor context = out_(attended);
  if (!gate_.is_empty()) context = Gated(tokens, context, gate);
  const torch::Tensor fused = attention_norm_(tokens + context);
  return feed_forward_norm_(fused + contract_(torch::relu(expand_(fused))));
}

}  // namespace deepbindnet
