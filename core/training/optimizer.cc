#include "core/training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace deepbindnet {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

}  // namespace

Optimizer::Optimizer(const std::vector<const torch::nn::Module*>& replicas, const OptimizerOptions& options)
    : options_(options) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> flat, decayed;
  for (const torch::Tensor& parameter : replicas[0]->parameters()) {
    flat.push_back(parameter.detach().reshape({-1}));
    decayed.push_back(torch::full({parameter.numel()}, parameter.dim() > 1 ? 1.0 : 0.0, parameter.options()));
  }
  weights_ = torch::cat(flat);
  decayed_ = torch::cat(decayed);
  first_ = torch::zeros_like(weights_);
  second_ = torch::zeros_like(weights_);
  if (options_.ema_decay > 0) average_ = weights_.clone();
  for (const torch::nn::Module* const replica : replicas) {
    const bool is_first = gradients_.empty();
    gradients_.push_back(torch::zeros_like(weights_));
    int64_t offset = 0;
    size_t statistics = 0;
    for (torch::Tensor parameter : replica->parameters()) {
      const int64_t count = parameter.numel();
      const bool trained = parameter.requires_grad();
      if (is_first || trained) parameter.set_data(weights_.narrow(0, offset, count).view(parameter.sizes()));
      if (trained) {
        parameter.mutable_grad() = gradients_.back().narrow(0, offset, count).view(parameter.sizes());
      } else {
        if (is_first) statistics_.emplace_back();
        statistics_[statistics++].push_back(parameter);
      }
      offset += count;
    }
  }
  ShareStatistics();
}

void Optimizer::ShareStatistics() {
  for (std::vector<torch::Tensor>& replicas : statistics_) {
    for (size_t i = 1; i < replicas.size(); ++i) replicas[i].copy_(replicas[0]);
  }
}

void Optimizer::ZeroGrad() {
  for (torch::Tensor& gradient : gradients_) gradient.zero_();
}

double Optimizer::Step(double lr) {
  torch::NoGradGuard no_grad;
  torch::Tensor& gradient = gradients_[0];
  for (size_t i = 1; i < gradients_.size(); ++i) gradient.add_(gradients_[i]);
  const double norm = gradient.norm().item<double>();
  if (!std::isfinite(norm)) return norm;
  if (options_.clip_norm > 0 && norm > options_.clip_norm) gradient.mul_(options_.clip_norm / norm);
  if (gradients_.size() > 1) {
    for (std::vector<torch::Tensor>& replicas : statistics_) replicas[0].copy_(torch::stack(replicas).mean(0));
    ShareStatistics();
  }
  ++steps_;
  first_.lerp_(gradient, 1 - kBeta1);
  second_.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(steps_));
  weights_.addcmul_(weights_, decayed_, -lr * options_.weight_decay);
  weights_.addcdiv_(first_, second_.sqrt().div_(std::sqrt(correction2)).add_(kEpsilon), -lr / correction1);
  if (average_.defined()) {
    const double t = static_cast<double>(steps_);
    average_.lerp_(weights_, 1 - std::min(options_.ema_decay, (1 + t) / (10 + t)));
  }
  return norm;
}

Optimizer::AveragedWeights::AveragedWeights(Optimizer* optimizer) : optimizer_(optimizer) {
  if (!optimizer_->average_.defined()) return;
  torch::NoGradGuard no_grad;
  kept_ = optimizer_->weights_.clone();
  optimizer_->weights_.copy_(optimizer_->average_);
}

Optimizer::AveragedWeights::~AveragedWeights() {
  if (!kept_.defined()) return;
  torch::NoGradGuard no_grad;
  optimizer_->weights_.copy_(kept_);
}

TensorDict Optimizer::State() const {
  TensorDict state = MakeTensorDict();
  const auto add = [&state](const char* name, const torch::Tensor& tensor) {
    state.insert(name, tensor.to(torch::kCPU, tensor.scalar_type(), false, true));
  };
  add("weights", weights_);
  add("first_moment", first_);
  add("second_moment", second_);
  if (average_.defined()) add("average", average_);
  state.insert("steps", steps_);
  return state;
}

absl::Status Optimizer::LoadState(const TensorDict& state) {
  torch::NoGradGuard no_grad;
  const auto load = [&state](const char* name, torch::Tensor* tensor) -> absl::Status {
    DBN_ASSIGN_OR_RETURN(const torch::Tensor stored, GetTensor(state, name));
    DBN_RETURN_IF_ERROR(CheckShape(stored, name, tensor->sizes().vec()));
    tensor->copy_(stored);
    return absl::OkStatus();
  };
  DBN_RETURN_IF_ERROR(load("weights", &weights_));
  DBN_RETURN_IF_ERROR(load("first_moment", &first_));
  DBN_RETURN_IF_ERROR(load("second_moment", &second_));
  if (average_.defined()) DBN_RETURN_IF_ERROR(load("average", &average_));
  const auto steps = state.find("steps");
  if (steps == state.end() || !steps->value().isInt()) return absl::InvalidArgumentError("no integer 'steps'");
  steps_ = steps->value().toInt();
  ShareStatistics();
  return absl::OkStatus();
}

}  // namespace deepbindnet
