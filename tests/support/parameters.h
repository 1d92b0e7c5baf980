// Parameters as if a network had learned something, and its running statistics.
#ifndef DEEPBINDNET_TESTS_SUPPORT_PARAMETERS_H_
#define DEEPBINDNET_TESTS_SUPPORT_PARAMETERS_H_

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace deepbindnet {

// Moves every parameter that learns to a random value: the fusion, graph layers and convolutions of a fresh network
// pass their input on, so that much of what it computes has no effect. What is added depends on the parameter's name
// and shape alone: networks that began alike are alike in the parameters that they share.
inline void GiveRandomValues(const torch::nn::Module& module) {
  torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    torch::Tensor& value = item.value();
    if (!value.requires_grad()) continue;
    const auto generator = at::detail::createCPUGenerator(std::hash<std::string>()(item.key()));
    const torch::Tensor drawn = torch::randn(value.sizes(), generator, torch::TensorOptions(torch::kFloat32));
    // Of matrices so little that a product is no larger than what it multiplies.
    value.add_(drawn * (value.dim() > 1 ? 0.5 / std::sqrt(static_cast<double>(value.size(-1))) : 0.1));
  }
}

// A copy of the running statistics, one after the other: the parameters that do not learn.
inline torch::Tensor StatisticsOf(const torch::nn::Module& module) {
  std::vector<torch::Tensor> statistics;
  for (const torch::Tensor& parameter : module.parameters()) {
    if (!parameter.requires_grad()) statistics.push_back(parameter.clone());
  }
  return torch::cat(statistics);
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_PARAMETERS_H_
