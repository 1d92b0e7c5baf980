// Operators over packed rows: the kernels of the CPU and what is composed of LibTorch's operators say the same, as
// their definitions do.
#include "core/model/row_ops.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <tuple>
#include <utility>
#include <vector>

#include "tests/core/model/row_ops_fixture.h"

namespace deepbindnet {
namespace {

INSTANTIATE_TEST_SUITE_P(Widths, RowOpsTest, testing::Values(32, 8),
                         [](const auto& info) { return info.param == 32 ? "Kernels" : "Composed"; });

// ---- Sums of table rows, and messages.

TEST_P(RowOpsTest, SumTableRowsAgrees) {
  const torch::Tensor index = torch::tensor({0, 5, 2, -1, 3, 3, -1, -1, -1, 5, -1, 0}, torch::kInt64).view({4, 3});
  CheckOperator({{6, hidden_}}, by_kernels_, [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
    return {SumTableRows(inputs[0], index)};
  });
}

TEST_P(RowOpsTest, SumTableRowsTakesNegativeIndicesForZeros) {
  const torch::Tensor table = torch::arange(3.0F).view({3, 1}).expand({3, hidden_}).contiguous() + 1;
  const torch::Tensor index = torch::tensor({0, 2, -1, -1, 1, 1}, torch::kInt64).view({3, 2});
  const torch::Tensor sums = SumTableRows(table, index);
  EXPECT_TRUE(torch::equal(sums.select(1, 0), torch::tensor({4.0F, 0.0F, 4.0F})));
}

TEST_P(RowOpsTest, NeighborMessagesAgree) {
  const torch::Tensor neighbors = torch::tensor({1, 2, 0, 0, 3, 3, 0, 0, 1, 2, 0, 0}, torch::kInt64).view({4, 3});
  const torch::Tensor codes = torch::tensor({0, 4, -1, 1, 2, 2, -1, -1, -1, 3, -1, 0}, torch::kInt64).view({4, 3});
  CheckOperator({{4, hidden_}, {5, hidden_}}, by_kernels_, [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
    return {NeighborMessages(inputs[0], inputs[1], neighbors, codes)};
  });
}

TEST_P(RowOpsTest, NeighborMessagesAreThoseOfTheDefinition) {
  // Row 0 hears of row 1 over codes 0 and 1, row 1 hears of nobody.
  const torch::Tensor rows = torch::tensor({5.0F, 2.0F}).view({2, 1}).expand({2, hidden_}).contiguous();
  const torch::Tensor table = torch::tensor({1.0F, -3.0F}).view({2, 1}).expand({2, hidden_}).contiguous();
  const torch::Tensor heard = NeighborMessages(rows, table, torch::tensor({1, 1, 0, 0}, torch::kInt64).view({2, 2}),
                                               torch::tensor({0, 1, -1, -1}, torch::kInt64).view({2, 2}));
  EXPECT_TRUE(torch::equal(heard.select(1, 0), torch::tensor({2.0F + 1.0F, 0.0F}))) << "relu(2 - 3) is 0";
}

// ---- The gated residual.

// h and gate_h have 5 rows, of which 7 rows of pairs are made; `gate` values a row, none where it is 0.
void CheckGatedResidualNorm(int64_t hidden, int64_t gate, bool by_kernels) {
  const torch::Tensor rows = torch::tensor({4, 0, 0, 2, 4, 4, 1}, torch::kInt64);
  std::vector<Sizes> sizes = {{5, hidden}, {7, hidden}, {hidden}, {hidden}};
  if (gate > 0) sizes.insert(sizes.end(), {{5, gate}, {7, gate}});
  CheckOperator(sizes, by_kernels, [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
    torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({hidden}));
    norm->weight = inputs[2];
    norm->bias = inputs[3];
    GatedInput input{inputs[0], {}, rows, inputs[1], {}};
    if (gate > 0) {
      input.gate_h = inputs[4];
      input.gate_c = inputs[5];
    }
    torch::Tensor values;
    torch::Tensor out = GatedResidualNorm(input, norm, &values);
    EXPECT_EQ(values.defined(), gate > 0);
    if (gate == 0) return {out};
    const torch::Tensor expected = torch::sigmoid(inputs[4].index_select(0, rows) + inputs[5]);
    EXPECT_TRUE(torch::allclose(values, expected, 1e-5, 1e-6));
    EXPECT_FALSE(values.requires_grad());
    EXPECT_TRUE(torch::equal(GatedResidualNorm(input, norm, nullptr), out)) << "asked for it or not";
    return {out};
  });
}

TEST_P(RowOpsTest, GatedResidualNormAgrees) { CheckGatedResidualNorm(hidden_, hidden_, by_kernels_); }

TEST_P(RowOpsTest, ResidualNormWithoutAGateAgrees) { CheckGatedResidualNorm(hidden_, 0, by_kernels_); }

TEST_P(RowOpsTest, GatedResidualNormWithFewerGatesAgrees) {
  CheckGatedResidualNorm(hidden_, kHeads, false);
  CheckGatedResidualNorm(hidden_, 1, false);
}

TEST_P(RowOpsTest, GatedResidualNormFollowsItsFormula) {
  torch::manual_seed(5);
  const torch::Tensor rows = torch::tensor({2, 0, 2}, torch::kInt64);
  const torch::Tensor h = torch::randn({3, hidden_}), c = torch::randn({3, hidden_});
  torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({hidden_}));
  const torch::Tensor open = GatedResidualNorm({h, {}, rows, c, {}}, norm, nullptr);
  EXPECT_TRUE(torch::allclose(open, norm(h.index_select(0, rows) + c), 1e-5, 1e-6));
  for (const int64_t width : {hidden_, int64_t{kHeads}, int64_t{1}}) {
    const torch::Tensor gate_h = torch::randn({3, width}), gate_c = torch::randn({3, width});
    const torch::Tensor g = torch::sigmoid(gate_h.index_select(0, rows) + gate_c);
    const torch::Tensor by_channel = g.repeat_interleave(hidden_ / width, 1);  // A head's channels stand together.
    EXPECT_TRUE(torch::allclose(GatedResidualNorm({h, gate_h, rows, c, gate_c}, norm, nullptr),
                                norm(h.index_select(0, rows) + by_channel * c), 1e-5, 1e-6))
        << width;
  }
}

// ---- Pooling.

TEST_P(RowOpsTest, PoolRangesAgrees) {
  const RowRanges ranges = Ranges({0, 3, 3, 20, 5}, {1, 15, 16, 17, 33});
  CheckOperator({{40, hidden_}, {hidden_}}, by_kernels_, [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
    return {PoolRanges(inputs[0], inputs[1], ranges)};
  });
}

TEST_P(RowOpsTest, PoolRangesFollowsItsDefinition) {
  torch::manual_seed(6);
  const torch::Tensor rows = torch::randn({12, hidden_}), direction = torch::randn({hidden_}) * 0.3;
  torch::Tensor weights;
  const torch::Tensor pooled = PoolRanges(rows, direction, Ranges({2, 0, 11}, {5, 12, 1}), &weights);
  ASSERT_EQ(pooled.sizes(), (Sizes{3, 2 * hidden_}));
  ASSERT_EQ(weights.sizes(), (Sizes{5 + 12 + 1}));
  int64_t at = 0;
  for (const auto& [range, first, count] : {std::tuple(0, 2, 5), std::tuple(1, 0, 12), std::tuple(2, 11, 1)}) {
    const torch::Tensor some = rows.narrow(0, first, count), shares = torch::softmax(torch::mv(some, direction), 0);
    EXPECT_TRUE(torch::allclose(weights.narrow(0, at, count), shares, 1e-5, 1e-6)) << range;
    EXPECT_TRUE(torch::allclose(pooled[range].slice(0, 0, hidden_), torch::mv(some.t(), shares), 1e-5, 1e-5)) << range;
    EXPECT_TRUE(torch::equal(pooled[range].slice(0, hidden_), some.amax(0))) << range;
    at += count;
  }
}

TEST_P(RowOpsTest, RowsOfOtherRangesHaveNoEffectHoweverLargeTheyAre) {
  const RowRanges ranges = Ranges({1, 3}, {2, 5});
  torch::Tensor rows = torch::full({8, hidden_}, -1e5F);
  const torch::Tensor before = PoolRanges(rows, torch::ones({hidden_}), ranges);
  rows[0].fill_(1e5F);
  EXPECT_TRUE(torch::equal(PoolRanges(rows, torch::ones({hidden_}), ranges), before));
  EXPECT_TRUE((before == -1e5F).all().item<bool>());
}

TEST_P(RowOpsTest, RowsThatHoldTheLargestValueTogetherShareItsGradient) {
  torch::Tensor rows = torch::tensor({1.0F, 7.0F, 7.0F, -2.0F, 7.0F}).view({5, 1}).repeat({1, hidden_});
  rows.requires_grad_(true);
  PoolRanges(rows, torch::zeros({hidden_}), Ranges({0}, {5})).slice(1, hidden_).sum().backward();
  const torch::Tensor expected = torch::tensor({0.0F, 1.0F / 3, 1.0F / 3, 0.0F, 1.0F / 3}).view({5, 1});
  EXPECT_TRUE(torch::allclose(rows.grad(), expected.expand_as(rows)));
}

// ---- Products of mixed precision.

// In mixed precision what comes from a product is in bf16: it is computed with in float.
TEST(RowOpsInBf16Test, KernelsComputeInFloatWhatIsGivenInBf16) {
  constexpr int64_t kHidden = 32;
  const RowRanges ranges = Ranges({0, 3}, {4, 9});
  const torch::Tensor rows = torch::tensor({4, 0, 2}, torch::kInt64);
  torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({kHidden}));
  const auto apply = [&](const torch::Tensor& x, const torch::Tensor& y) -> std::vector<torch::Tensor> {
    const auto [drug, target] = Attend(x, y, 2);
    const auto part = [&](const torch::Tensor& of, int64_t i) { return of.narrow(1, i * kHidden, kHidden); };
    norm->to(x.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32);
    const torch::Tensor three = part(y, 0).slice(0, 0, 3), gate_c = part(y, 1).slice(0, 0, 3);
    return {drug, target, PoolRanges(part(x, 0), part(y, 0)[0], ranges),
            GatedResidualNorm({part(x, 0), part(x, 1), rows, three, gate_c}, norm, nullptr)};
  };
  torch::manual_seed(7);
  torch::Tensor x = torch::randn({kAtomRows + 10, 3 * kHidden}).to(torch::kBFloat16).requires_grad_(true);
  torch::Tensor y = torch::randn({kTokenRows, 3 * kHidden}).to(torch::kBFloat16).requires_grad_(true);
  torch::Tensor exact_x = x.detach().to(torch::kFloat64).requires_grad_(true);
  torch::Tensor exact_y = y.detach().to(torch::kFloat64).requires_grad_(true);
  const auto actual = apply(x, y);
  torch::Tensor loss;
  for (const torch::Tensor& output : actual) loss = loss.defined() ? loss + Projected(output) : Projected(output);
  loss.backward();
  const auto expected = apply(exact_x, exact_y);
  torch::Tensor exact_loss;
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].scalar_type(), torch::kFloat32) << i;
    EXPECT_TRUE(torch::allclose(actual[i].to(torch::kFloat64), expected[i], 1e-5, 1e-5)) << i;
    exact_loss = exact_loss.defined() ? exact_loss + Projected(expected[i]) : Projected(expected[i]);
  }
  exact_loss.backward();
  // The gradients themselves are rounded to the 8 bits of bf16, and so are their sums.
  for (const auto& [single, exact] : {std::pair(x, exact_x), std::pair(y, exact_y)}) {
    EXPECT_EQ(single.grad().scalar_type(), torch::kBFloat16);
    const torch::Tensor off = single.grad().to(torch::kFloat64) - exact.grad();
    EXPECT_LT(off.norm().item<double>(), 0.01 * exact.grad().norm().item<double>());
  }
}

}  // namespace
}  // namespace deepbindnet
