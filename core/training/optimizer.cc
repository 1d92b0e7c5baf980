#include "core/training/optimizer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/compute/device_kernels.h"

namespace deepbindnet {
namespace {

constexpr int64_t kGrain = 1 << 16;   // Least values a thread updates.
constexpr double kLeastNorm = 1e-12;  // Below it there is no way up.
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
    gradients_.push_back(torch::zeros_like(weights_));
    int64_t offset = 0;
    for (torch::Tensor parameter : replica->parameters()) {
      const int64_t count = parameter.numel();
      parameter.set_data(weights_.narrow(0, offset, count).view(parameter.sizes()));
      if (parameter.requires_grad()) {
        parameter.mutable_grad() = gradients_.back().narrow(0, offset, count).view(parameter.sizes());
      }
      offset += count;
    }
  }
}

void Optimizer::ZeroGrad() {
  for (torch::Tensor& gradient : gradients_) gradient.zero_();
  summed_ = false;
}

torch::Tensor Optimizer::SumGradients() {
  torch::NoGradGuard no_grad;
  for (size_t i = 1; i < gradients_.size() && !summed_; ++i) gradients_[0].add_(gradients_[i]);
  summed_ = true;
  return gradients_[0];
}

double Optimizer::Step(double lr, double loss_scale, const torch::Tensor& loss) {
  return Step({{0, weights_.numel()}}, {lr}, loss_scale, loss);
}

double Optimizer::Step(const std::vector<Part>& parts, const std::vector<double>& lr, double loss_scale,
                       const torch::Tensor& loss) {
  torch::NoGradGuard no_grad;
  torch::Tensor norm = SumGradients().norm();
  if (loss.defined()) norm = norm + 0 * loss.to(norm.scalar_type());  // Not a number where the loss is not finite.
  const double t = static_cast<double>(steps_ + 1);
  AdamTask task = {};
  task.norm = norm.data_ptr<float>();
  task.loss_scale = static_cast<float>(loss_scale);
  task.clip_norm = static_cast<float>(options_.clip_norm);
  task.beta1 = static_cast<float>(kBeta1);
  task.beta2 = static_cast<float>(kBeta2);
  task.second_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, t)));
  task.epsilon = static_cast<float>(kEpsilon);
  task.average_share = static_cast<float>(1 - std::min(options_.ema_decay, (1 + t) / (10 + t)));
  for (size_t i = 0; i < parts.size(); ++i) {
    task.lr = static_cast<float>(lr[i] / (1 - std::pow(kBeta1, t)));
    task.decay = static_cast<float>(lr[i] * options_.weight_decay);
    if (weights_.is_cpu()) {
      at::parallel_for(parts[i].begin, parts[i].end, kGrain,
                       [&](int64_t begin, int64_t end) { Update(task, begin, end); });
    } else {
      Update(task, parts[i].begin, parts[i].end);
    }
  }
  const double value = norm.item<double>() / loss_scale;
  if (std::isfinite(value)) ++steps_;
  return value;
}

void Optimizer::Update(AdamTask task, int64_t begin, int64_t end) {
  task.size = end - begin;
  task.weights = weights_.data_ptr<float>() + begin;
  task.first = first_.data_ptr<float>() + begin;
  task.second = second_.data_ptr<float>() + begin;
  task.average = average_.defined() ? average_.data_ptr<float>() + begin : nullptr;
  task.gradient = gradients_[0].data_ptr<float>() + begin;
  task.decayed = decayed_.data_ptr<float>() + begin;
  KernelsOf(weights_.device()).adam(task);
}

void Optimizer::Set(const Part& part, const torch::Tensor& values) {
  torch::NoGradGuard no_grad;
  weights_.slice(0, part.begin, part.end).copy_(values);
  if (average_.defined()) average_.slice(0, part.begin, part.end).copy_(values);
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

Optimizer::ClimbedWeights::ClimbedWeights(Optimizer* optimizer, const std::vector<Part>& parts, double radius)
    : optimizer_(optimizer), kept_(optimizer->weights_.clone()) {
  torch::NoGradGuard no_grad;
  const torch::Tensor gradients = optimizer_->SumGradients();
  for (const auto& [begin, end] : parts) {
    const torch::Tensor gradient = gradients.slice(0, begin, end);
    optimizer_->weights_.slice(0, begin, end).addcmul_(gradient, radius / gradient.norm().clamp_min(kLeastNorm));
  }
}

Optimizer::ClimbedWeights::~ClimbedWeights() {
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
  std::vector<std::pair<const char*, torch::Tensor*>> entries = {
      {"weights", &weights_}, {"first_moment", &first_}, {"second_moment", &second_}};
  if (average_.defined()) entries.emplace_back("average", &average_);
  std::vector<torch::Tensor> stored;
  for (const auto& [name, tensor] : entries) {
    DBN_ASSIGN_OR_RETURN(stored.emplace_back(), GetTensor(state, name));
    if (stored.back().sizes() == tensor->sizes() && stored.back().scalar_type() == tensor->scalar_type() &&
        torch::isfinite(stored.back()).all().item<bool>()) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat("'", name, "' is damaged or of another model"));
  }
  DBN_ASSIGN_OR_RETURN(const int64_t steps, GetInteger(state, "steps", 0, std::numeric_limits<int64_t>::max()));
  for (size_t i = 0; i < entries.size(); ++i) entries[i].second->copy_(stored[i]);
  steps_ = steps;
  return absl::OkStatus();
}

}  // namespace deepbindnet
