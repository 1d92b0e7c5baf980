// Gradient checks of modules. On one LibTorch the backward pass of an operator read memory it had not written; such a
// bug shows at random unless the memory that is handed out anew holds large values, so it is filled first.
#ifndef DEEPBINDNET_TESTS_SUPPORT_GRADIENT_CHECK_H_
#define DEEPBINDNET_TESTS_SUPPORT_GRADIENT_CHECK_H_

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace deepbindnet {

// Frees blocks of many sizes, up to `largest` values, that hold large values.
inline void PoisonMemory(int64_t largest = 1 << 18) {
  std::vector<torch::Tensor> blocks;
  for (int64_t size = 16; size <= largest; size *= 2) {
    for (int i = 0; i < 8; ++i) blocks.push_back(torch::full({size}, 1e17F));
  }
}

// `loss` computes a scalar with the module as it stands. Compares the analytic gradient of every parameter in double
// precision with central differences on `probes` of its entries (relative 1e-5), so that a wrong backward formula
// shows.
template <typename Module>
void ExpectGradientsMatchDifferences(Module& module, const std::function<torch::Tensor(Module&)>& loss,
                                     int probes = 4) {
  module->to(torch::kFloat64);
  module->eval();
  PoisonMemory();
  module->zero_grad();
  loss(module).backward();
  constexpr double kStep = 1e-6;
  for (auto& item : module->named_parameters()) {
    if (!item.value().requires_grad()) continue;
    torch::Tensor values = item.value().detach().view({-1});
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    const torch::Tensor gradient = item.value().grad().view({-1});
    for (int probe = 0; probe < probes; ++probe) {
      const int64_t at = (probe * 7919) % values.numel();
      const double kept = values[at].template item<double>();
      torch::NoGradGuard no_grad;
      values[at] = kept + kStep;
      const double above = loss(module).template item<double>();
      values[at] = kept - kStep;
      const double below = loss(module).template item<double>();
      values[at] = kept;
      const double expected = (above - below) / (2 * kStep), actual = gradient[at].template item<double>();
      EXPECT_NEAR(actual, expected, 1e-5 * std::max(1.0, std::abs(expected))) << item.key() << "[" << at << "]";
    }
  }
}

// Gradients in single precision, computed in poisoned memory, agree with those in double precision.
template <typename Module>
void ExpectSameGradientsInFloat(Module& module, const std::function<torch::Tensor(Module&, torch::Dtype)>& loss) {
  module->to(torch::kFloat64);
  module->eval();
  module->zero_grad();
  loss(module, torch::kFloat64).backward();
  std::vector<torch::Tensor> expected;
  for (const torch::Tensor& parameter : module->parameters()) {
    if (parameter.requires_grad()) expected.push_back(parameter.grad().clone());
  }
  module->zero_grad();
  module->to(torch::kFloat32);
  for (int round = 0; round < 3; ++round) {
    for (torch::Tensor parameter : module->parameters()) parameter.mutable_grad() = torch::Tensor();
    PoisonMemory();
    loss(module, torch::kFloat32).backward();
    size_t i = 0;
    for (const auto& item : module->named_parameters()) {
      if (!item.value().requires_grad()) continue;
      const torch::Tensor actual = item.value().grad().to(torch::kFloat64), wanted = expected[i++];
      const double error = (actual - wanted).abs().max().template item<double>();
      const double scale = std::max(1.0, wanted.abs().max().template item<double>());
      EXPECT_LT(error, 2e-4 * scale) << item.key();
    }
  }
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_GRADIENT_CHECK_H_
