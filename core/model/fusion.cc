#include "core/model/fusion.h"

#include "core/model/row_ops.h"

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

// The first `rows` of a layer's weights.
void Narrow(torch::nn::Linear* layer, int64_t rows) {
  (*layer)->weight.set_data((*layer)->weight.detach().narrow(0, 0, rows).clone());
}

}  // namespace

FusionSideImpl::FusionSideImpl(const ModelOptions& options) {
  const int64_t hidden = options.hidden_dim;
  project_ = register_module("project", torch::nn::Linear(hidden, 3 * hidden));
  norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({hidden})));
  torch::NoGradGuard no_grad;
  project_->weight.narrow(0, 2 * hidden, hidden).zero_();
  project_->bias.narrow(0, 2 * hidden, hidden).zero_();
  // Drawn whatever the type and the kind, so that what is drawn after it does not depend on them.
  torch::nn::Linear of_token(hidden, hidden), of_context(torch::nn::LinearOptions(hidden, hidden).bias(false));
  if (options.model_type == ModelType::kStandard) return;
  const int64_t width = GateWidth(options);
  Narrow(&of_token, width);
  Narrow(&of_context, width);
  of_token->bias.set_data(torch::full({width}, options.gate_initial_bias, of_token->bias.options()));
  token_gate_ = register_module("token_gate", of_token);
  context_gate_ = register_module("context_gate", of_context);
}

torch::Tensor FusionSideImpl::Project(const torch::Tensor& tokens) { return project_(tokens); }

torch::Tensor FusionSideImpl::forward(const torch::Tensor& tokens, const torch::Tensor& rows,
                                      const torch::Tensor& context, torch::Tensor* gate) {
  GatedInput input{tokens, {}, rows, context, {}};
  if (!token_gate_.is_empty()) {
    input.gate_h = token_gate_(tokens);
    input.gate_c = context_gate_(context);
  }
  return GatedResidualNorm(input, norm_, gate);
}

}  // namespace deepbindnet
