// The kernels of a GPU against what is composed of LibTorch's operators on the CPU in double precision. Built where
// LibTorch has CUDA, and to be run on a machine with such a GPU.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "core/model/row_ops.h"

namespace deepbindnet {
namespace {

using Sizes = std::vector<int64_t>;
using Tensors = std::vector<torch::Tensor>;
using Operator = std::function<Tensors(const Tensors& inputs, const torch::Device& device)>;

RowRanges Ranges(const Sizes& first, const Sizes& count, const torch::Device& device) {
  const torch::Tensor counts = torch::tensor(count);
  return {torch::tensor(first).to(device), counts.to(device), counts.max().item<int64_t>(),
          counts.sum().item<int64_t>()};
}

struct Result {
  Tensors outputs, gradients;
};

Result Run(const Tensors& values, const Operator& apply, const torch::Device& device, torch::Dtype type) {
  Tensors inputs;
  for (const torch::Tensor& value : values) inputs.push_back(value.to(device, type).detach().requires_grad_(true));
  Result result;
  torch::Tensor loss;
  for (const torch::Tensor& output : apply(inputs, device)) {
    const torch::Tensor slope =
        torch::linspace(-1, 1, output.numel(), torch::kFloat64).to(output.options()).view(output.sizes());
    const torch::Tensor part = (output * slope).sum();
    loss = loss.defined() ? loss + part : part;
    result.outputs.push_back(output.detach().to(torch::kCPU, torch::kFloat64));
  }
  loss.backward();
  for (const torch::Tensor& input : inputs) result.gradients.push_back(input.grad().to(torch::kCPU, torch::kFloat64));
  return result;
}

void ExpectClose(const Tensors& actual, const Tensors& expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].sizes(), expected[i].sizes()) << what << i;
    // Sums of a thousand values of either sign are rounded to about 1e-4 in single precision.
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_LT((actual[i] - expected[i]).abs().max().item<double>(), 2e-4 * (1 + scale)) << what << i;
  }
}

void Check(const std::vector<Sizes>& sizes, const Operator& apply) {
  torch::manual_seed(5);
  Tensors values;
  for (const Sizes& size : sizes) values.push_back(torch::randn(size));
  const Result expected = Run(values, apply, torch::kCPU, torch::kFloat64);
  const Result actual = Run(values, apply, torch::kCUDA, torch::kFloat32);
  ExpectClose(actual.outputs, expected.outputs, "output ");
  ExpectClose(actual.gradients, expected.gradients, "gradient ");
}

// Channels of rows: less than a warp of them, several, and more than one lane of a warp takes at once.
class CudaRowOpsTest : public testing::TestWithParam<int> {
 protected:
  const int64_t hidden_ = GetParam();
};

INSTANTIATE_TEST_SUITE_P(Widths, CudaRowOpsTest, testing::Values(16, 64, 96, 256, 1024));

TEST_P(CudaRowOpsTest, SumTableRows) {
  const torch::Tensor index = torch::randint(-1, 20, {300, 7}, torch::kInt64);
  Check({{20, hidden_}}, [&](const Tensors& inputs, const torch::Device& device) -> Tensors {
    return {SumTableRows(inputs[0], index.to(device))};
  });
}

TEST_P(CudaRowOpsTest, NeighborMessages) {
  const torch::Tensor neighbors = torch::randint(0, 50, {50, 4}, torch::kInt64);
  const torch::Tensor codes = torch::randint(-1, 9, {50, 4}, torch::kInt64);
  Check({{50, hidden_}, {9, hidden_}}, [&](const Tensors& inputs, const torch::Device& device) -> Tensors {
    return {NeighborMessages(inputs[0], inputs[1], neighbors.to(device), codes.to(device))};
  });
}

// Pairs of many sizes, some of which share rows; the large ones leave no room for sums in shared memory.
TEST_P(CudaRowOpsTest, CrossAttention) {
  for (const int64_t heads : {1, 4}) {
    if (hidden_ / heads % 16 != 0) continue;
    Check({{1100, 3 * hidden_}, {1300, 3 * hidden_}},
          [&](const Tensors& inputs, const torch::Device& device) -> Tensors {
            const RowRanges atoms = Ranges({0, 0, 3, 50, 9, 100}, {3, 3, 33, 1, 64, 1000}, device);
            const RowRanges tokens = Ranges({0, 5, 0, 5, 40, 50}, {31, 17, 31, 1, 65, 1250}, device);
            const auto [drug, target] =
                CrossAttention({inputs[0], atoms, atoms.total + 7}, {inputs[1], tokens, tokens.total + 9}, heads);
            return {drug, target};
          });
  }
}

TEST_P(CudaRowOpsTest, GatedResidualNorm) {
  const torch::Tensor rows = torch::randint(0, 40, {900}, torch::kInt64);
  for (const bool gated : {true, false}) {
    const Operator apply = [&](const Tensors& inputs, const torch::Device& device) -> Tensors {
      torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({hidden_}));
      norm->weight = inputs[2];
      norm->bias = inputs[3];
      GatedInput input{inputs[0], {}, rows.to(device), inputs[1], {}};
      if (gated) {
        input.gate_h = inputs[4];
        input.gate_c = inputs[5];
      }
      return {GatedResidualNorm(input, norm, nullptr)};
    };
    std::vector<Sizes> sizes = {{40, hidden_}, {900, hidden_}, {hidden_}, {hidden_}};
    if (gated) sizes.insert(sizes.end(), {{40, hidden_}, {900, hidden_}});
    Check(sizes, apply);
  }
}

TEST_P(CudaRowOpsTest, PoolRanges) {
  Check({{2000, hidden_}, {hidden_}}, [&](const Tensors& inputs, const torch::Device& device) -> Tensors {
    return {PoolRanges(inputs[0], inputs[1] * 0.1, Ranges({0, 1, 10, 200, 700}, {1, 9, 33, 130, 1250}, device))};
  });
}

TEST(CudaPoolTest, EqualLargestValuesShareTheirGradient) {
  const torch::Tensor direction = torch::zeros({16}, torch::kCUDA);
  const torch::Tensor rows = torch::ones({3, 16}, torch::kCUDA).requires_grad_(true);
  PoolRanges(rows, direction, Ranges({0}, {3}, torch::kCUDA)).narrow(1, 16, 16).sum().backward();
  EXPECT_TRUE(torch::allclose(rows.grad(), torch::full({3, 16}, 1.0F / 3, torch::kCUDA)));
}

}  // namespace
}  // namespace deepbindnet
