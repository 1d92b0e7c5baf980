// Checks of operators over packed rows, at widths that the kernels take and that they do not.
#ifndef DEEPBINDNET_TESTS_CORE_MODEL_ROW_OPS_FIXTURE_H_
#define DEEPBINDNET_TESTS_CORE_MODEL_ROW_OPS_FIXTURE_H_

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/model/row_ops.h"
#include "tests/support/gradient_check.h"

namespace deepbindnet {

using Sizes = std::vector<int64_t>;

inline RowRanges Ranges(const Sizes& first, const Sizes& count) {
  return {torch::tensor(first), torch::tensor(count), *std::max_element(count.begin(), count.end()),
          std::accumulate(count.begin(), count.end(), int64_t{0})};
}

// Whether an operator of ours computed it, and not one composed of LibTorch's.
inline bool IsOfAKernel(const torch::Tensor& x) { return x.grad_fn()->name().find("CppNode") != std::string::npos; }

inline torch::Tensor Projected(const torch::Tensor& output) {
  return (output * torch::linspace(-1, 1, output.numel(), output.options()).view(output.sizes())).sum();
}

// The inputs of an operator as parameters, so that a gradient check sees each of them.
class InputsImpl : public torch::nn::Module {
 public:
  explicit InputsImpl(const std::vector<Sizes>& sizes) {
    torch::manual_seed(21);
    for (size_t i = 0; i < sizes.size(); ++i) {
      tensors_.push_back(register_parameter("input_" + std::to_string(i), torch::randn(sizes[i])));
    }
  }
  const torch::Tensor& operator[](size_t i) const { return tensors_[i]; }

 private:
  std::vector<torch::Tensor> tensors_;
};
TORCH_MODULE(Inputs);

using Operator = std::function<std::vector<torch::Tensor>(const InputsImpl& inputs)>;

// That in double precision the gradients of an operator are those of central differences, and that in single precision
// values and gradients are those of double precision; `by_kernels` says who computes them there.
inline void CheckOperator(const std::vector<Sizes>& sizes, bool by_kernels, const Operator& apply) {
  Inputs inputs(sizes);
  const auto loss = [&](Inputs& module) {
    torch::Tensor sum;
    for (const torch::Tensor& output : apply(*module)) {
      sum = sum.defined() ? sum + Projected(output) : Projected(output);
    }
    return sum;
  };
  ExpectGradientsMatchDifferences<Inputs>(inputs, loss, /*probes=*/24);
  const std::vector<torch::Tensor> expected = apply(*inputs);
  for (const torch::Tensor& output : expected) EXPECT_FALSE(IsOfAKernel(output));
  ExpectSameGradientsInFloat<Inputs>(inputs, [&](Inputs& module, torch::Dtype /*type*/) { return loss(module); });
  PoisonMemory();
  const std::vector<torch::Tensor> actual = apply(*inputs), again = apply(*inputs);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].scalar_type(), torch::kFloat32);
    EXPECT_EQ(IsOfAKernel(actual[i]), by_kernels);
    EXPECT_TRUE(torch::allclose(actual[i].to(torch::kFloat64), expected[i], 1e-5, 1e-5)) << i;
    EXPECT_TRUE(torch::equal(actual[i], again[i])) << i;
  }
}

// A width that the kernels take and one that they do not.
class RowOpsTest : public testing::TestWithParam<int> {
 protected:
  static constexpr int kHeads = 2;
  const int64_t hidden_ = GetParam();
  const bool by_kernels_ = hidden_ % 32 == 0;
};

// Of five pairs, three of which share rows on either side; rows 10 and 11 of the drugs and 4 of the targets are of
// none.
inline const RowRanges& Atoms() {
  static const auto* const ranges = new RowRanges(Ranges({0, 0, 3, 6, 9}, {3, 3, 3, 3, 1}));
  return *ranges;
}
inline const RowRanges& Tokens() {
  static const auto* const ranges = new RowRanges(Ranges({0, 5, 0, 5, 3}, {3, 17, 3, 17, 1}));
  return *ranges;
}
inline constexpr int64_t kAtomRows = 12, kTokenRows = 22, kPackedAtoms = 16, kPackedTokens = 64;

inline std::pair<torch::Tensor, torch::Tensor> Attend(const torch::Tensor& drugs, const torch::Tensor& targets,
                                                      int64_t heads, std::vector<PairWeights>* weights = nullptr) {
  return CrossAttention({drugs, Atoms(), kPackedAtoms}, {targets, Tokens(), kPackedTokens}, heads, weights);
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_MODEL_ROW_OPS_FIXTURE_H_
