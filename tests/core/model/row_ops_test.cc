// Operators over packed rows: the kernels of the CPU and what is composed of LibTorch's operators say the same, as
// their definitions do.
#include "core/model/row_ops.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/gradient_check.h"

namespace deepbindnet {
namespace {

using Sizes = std::vector<int64_t>;

RowRanges Ranges(const Sizes& first, const Sizes& count) {
  return {torch::tensor(first), torch::tensor(count), *std::max_element(count.begin(), count.end()),
          std::accumulate(count.begin(), count.end(), int64_t{0})};
}

// Whether an operator of ours computed it, and not one composed of LibTorch's.
bool IsOfAKernel(const torch::Tensor& x) { return x.grad_fn()->name().find("CppNode") != std::string::npos; }

torch::Tensor Projected(const torch::Tensor& output) {
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
void CheckOperator(const std::vector<Sizes>& sizes, bool by_kernels, const Operator& apply) {
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

// ---- Attention.

// Of five pairs, three of which share rows on either side; rows 10 and 11 of the drugs and 4 of the targets are of
// none.
const RowRanges& Atoms() {
  static const auto* const ranges = new RowRanges(Ranges({0, 0, 3, 6, 9}, {3, 3, 3, 3, 1}));
  return *ranges;
}
const RowRanges& Tokens() {
  static const auto* const ranges = new RowRanges(Ranges({0, 5, 0, 5, 3}, {3, 17, 3, 17, 1}));
  return *ranges;
}
constexpr int64_t kAtomRows = 12, kTokenRows = 22, kPackedAtoms = 16, kPackedTokens = 64;

std::pair<torch::Tensor, torch::Tensor> Attend(const torch::Tensor& drugs, const torch::Tensor& targets, int64_t heads,
                                               std::vector<PairWeights>* weights = nullptr) {
  return CrossAttention({drugs, Atoms(), kPackedAtoms}, {targets, Tokens(), kPackedTokens}, heads, weights);
}

TEST_P(RowOpsTest, CrossAttentionAgrees) {
  CheckOperator({{kAtomRows, 3 * hidden_}, {kTokenRows, 3 * hidden_}}, by_kernels_,
                [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
                  const auto [drug, target] = Attend(inputs[0], inputs[1], kHeads);
                  return {drug, target};
                });
}

TEST_P(RowOpsTest, CrossAttentionOfWhichOneSideIsUsedAgrees) {
  for (const bool use_drug : {true, false}) {
    CheckOperator({{kAtomRows, 3 * hidden_}, {kTokenRows, 3 * hidden_}}, by_kernels_,
                  [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
                    const auto [drug, target] = Attend(inputs[0], inputs[1], kHeads);
                    return {use_drug ? drug : target};
                  });
  }
}

// What one row reads from the `count` rows from `first` on, one number after the other, as the definition says.
void ReadByLoops(const torch::Tensor& query, const torch::Tensor& other, int64_t first, int64_t count, int64_t heads,
                 torch::Tensor out) {
  const int64_t hidden = query.size(0) / 3, width = hidden / heads;
  const auto q = query.accessor<double, 1>();
  const auto rows = other.accessor<double, 2>();
  auto sums = out.accessor<double, 1>();
  for (int64_t h = 0; h < heads; ++h) {
    std::vector<double> weights(count, 0.0);
    for (int64_t j = 0; j < count; ++j) {
      for (int64_t c = h * width; c < (h + 1) * width; ++c) weights[j] += q[c] * rows[first + j][hidden + c];
      weights[j] /= std::sqrt(static_cast<double>(width));
    }
    const double most = *std::max_element(weights.begin(), weights.end());
    double total = 0;
    for (double& weight : weights) total += weight = std::exp(weight - most);
    for (int64_t j = 0; j < count; ++j) {
      for (int64_t c = h * width; c < (h + 1) * width; ++c) {
        sums[c] += weights[j] / total * rows[first + j][2 * hidden + c];
      }
    }
  }
}

torch::Tensor ReadByLoops(const torch::Tensor& side, const RowRanges& queries, const torch::Tensor& other,
                          const RowRanges& keys, int64_t heads, int64_t packed_rows) {
  torch::Tensor out = torch::zeros({packed_rows, side.size(1) / 3}, torch::kFloat64);
  int64_t row = 0;
  for (int64_t p = 0; p < queries.count.size(0); ++p) {
    for (int64_t i = 0; i < queries.count[p].item<int64_t>(); ++i, ++row) {
      ReadByLoops(side[queries.first[p].item<int64_t>() + i], other, keys.first[p].item<int64_t>(),
                  keys.count[p].item<int64_t>(), heads, out[row]);
    }
  }
  return out;
}

class CrossAttentionTest : public testing::Test {
 protected:
  CrossAttentionTest() {
    torch::manual_seed(21);
    drugs_ = torch::randn({kAtomRows, 3 * kHidden}, torch::kFloat64);
    targets_ = torch::randn({kTokenRows, 3 * kHidden}, torch::kFloat64);
  }

  static constexpr int64_t kHidden = 32;
  torch::Tensor drugs_, targets_;
};

TEST_F(CrossAttentionTest, EqualsItsDefinition) {
  for (const int64_t heads : {1, 2, 4, 8}) {
    const torch::Tensor drug = ReadByLoops(drugs_, Atoms(), targets_, Tokens(), heads, kPackedAtoms);
    const torch::Tensor target = ReadByLoops(targets_, Tokens(), drugs_, Atoms(), heads, kPackedTokens);
    const auto composed = Attend(drugs_, targets_, heads);
    EXPECT_TRUE(torch::allclose(composed.first, drug, 1e-10, 1e-12)) << heads;
    EXPECT_TRUE(torch::allclose(composed.second, target, 1e-10, 1e-12)) << heads;
    const auto single = Attend(drugs_.to(torch::kFloat32), targets_.to(torch::kFloat32), heads);
    EXPECT_TRUE(torch::allclose(single.first.to(torch::kFloat64), drug, 1e-5, 1e-5)) << heads;
    EXPECT_TRUE(torch::allclose(single.second.to(torch::kFloat64), target, 1e-5, 1e-5)) << heads;
  }
}

TEST_F(CrossAttentionTest, RowsBehindTheLastPairAreZero) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kFloat64}) {
    PoisonMemory();
    const auto [drug, target] = Attend(drugs_.to(type), targets_.to(type), 2);
    ASSERT_EQ(drug.sizes(), (Sizes{kPackedAtoms, kHidden}));
    ASSERT_EQ(target.sizes(), (Sizes{kPackedTokens, kHidden}));
    EXPECT_EQ(drug.slice(0, Atoms().total).abs().sum().item<double>(), 0);
    EXPECT_EQ(target.slice(0, Tokens().total).abs().sum().item<double>(), 0);
  }
}

TEST_F(CrossAttentionTest, AnotherQueryReadsSomethingElse) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kFloat64}) {
    const torch::Tensor targets = targets_.to(type);
    torch::Tensor turned = drugs_.to(type).clone();
    turned.narrow(1, 0, kHidden).neg_();
    const torch::Tensor before = Attend(drugs_.to(type), targets, 2).first, after = Attend(turned, targets, 2).first;
    // The softmax of one score is 1: a query has no say where there is one key, as in the last pair.
    EXPECT_GT((before - after).abs().amax(1).slice(0, 0, 12).min().item<double>(), 0.1) << "in every row";
    EXPECT_TRUE(torch::equal(before[12], after[12]));
  }
}

TEST_F(CrossAttentionTest, RowsOfOtherPairsHaveNoEffectAtAll) {
  const RowRanges atoms = Ranges({3, 8}, {3, 1}), tokens = Ranges({2, 6}, {1, 4});
  for (const torch::Dtype type : {torch::kFloat32, torch::kFloat64}) {
    for (const int64_t heads : {2, 8}) {  // In single precision kernels take two heads, not eight.
      torch::Tensor drugs = drugs_.to(type).clone(), targets = targets_.to(type).clone();
      const auto before = CrossAttention({drugs, atoms, 4}, {targets, tokens, 5}, heads);
      for (const int64_t row : {0, 1, 2, 6, 7, 9, 10, 11}) drugs[row].fill_(50 - 1000.0 * static_cast<double>(row));
      for (const int64_t row : {0, 1, 3, 4, 5, 10, 21}) targets[row].fill_(50 + 1000.0 * static_cast<double>(row));
      const auto after = CrossAttention({drugs, atoms, 4}, {targets, tokens, 5}, heads);
      EXPECT_TRUE(torch::equal(before.first, after.first));
      EXPECT_TRUE(torch::equal(before.second, after.second));
    }
  }
}

TEST_F(CrossAttentionTest, WeightsAreThoseOfTheDefinition) {
  constexpr int64_t kHeads = 2, kWidth = kHidden / kHeads;
  for (const torch::Dtype type : {torch::kFloat32, torch::kFloat64}) {
    const double tolerance = type == torch::kFloat32 ? 1e-5 : 1e-12;
    const torch::Tensor drugs = drugs_.to(type), targets = targets_.to(type);
    std::vector<PairWeights> weights;
    const auto read = Attend(drugs, targets, kHeads, &weights), unseen = Attend(drugs, targets, kHeads);
    EXPECT_TRUE(torch::equal(read.first, unseen.first)) << "asked for weights or not";
    EXPECT_TRUE(torch::equal(read.second, unseen.second)) << "asked for weights or not";
    ASSERT_EQ(weights.size(), 5U);
    const auto expect_side = [&](const torch::Tensor& of_pair, const torch::Tensor& values, const torch::Tensor& rows) {
      ASSERT_EQ(of_pair.sizes(), (Sizes{kHeads, rows.size(0), values.size(0)}));
      EXPECT_LT((of_pair.sum(2) - 1).abs().max().item<double>(), tolerance);
      for (int64_t head = 0; head < kHeads; ++head) {
        const torch::Tensor by_weights = torch::matmul(of_pair[head], values.narrow(1, head * kWidth, kWidth));
        EXPECT_TRUE(torch::allclose(by_weights, rows.narrow(1, head * kWidth, kWidth), tolerance, tolerance));
      }
    };
    int64_t drug_row = 0, target_row = 0;
    for (size_t p = 0; p < weights.size(); ++p) {
      const auto pair = static_cast<int64_t>(p);
      const int64_t n = Atoms().count[pair].item<int64_t>(), m = Tokens().count[pair].item<int64_t>();
      const auto values = [&](const torch::Tensor& side, const RowRanges& ranges, int64_t count) {
        return side.narrow(0, ranges.first[pair].item<int64_t>(), count).narrow(1, 2 * kHidden, kHidden);
      };
      expect_side(weights[p].drug, values(targets, Tokens(), m), read.first.narrow(0, drug_row, n));
      expect_side(weights[p].target, values(drugs, Atoms(), n), read.second.narrow(0, target_row, m));
      drug_row += n;
      target_row += m;
    }
  }
}

TEST_F(CrossAttentionTest, ScoresOfTensOfThousandsAgreeAndGiveNoNan) {
  drugs_ *= 100;
  targets_ *= 100;
  for (const int64_t heads : {2, 8}) {
    const torch::Tensor drug = ReadByLoops(drugs_, Atoms(), targets_, Tokens(), heads, kPackedAtoms);
    const torch::Tensor target = ReadByLoops(targets_, Tokens(), drugs_, Atoms(), heads, kPackedTokens);
    for (const torch::Dtype type : {torch::kFloat32, torch::kFloat64}) {
      const torch::Tensor drugs = drugs_.to(type, false, true).requires_grad_(true);
      const torch::Tensor targets = targets_.to(type, false, true).requires_grad_(true);
      const auto read = Attend(drugs, targets, heads);
      EXPECT_TRUE(torch::allclose(read.first.to(torch::kFloat64), drug, 1e-2, 1e-2)) << heads << " " << type;
      EXPECT_TRUE(torch::allclose(read.second.to(torch::kFloat64), target, 1e-2, 1e-2)) << heads << " " << type;
      (Projected(read.first) + Projected(read.second)).backward();
      EXPECT_TRUE(drugs.grad().isfinite().all().item<bool>());
      EXPECT_TRUE(targets.grad().isfinite().all().item<bool>());
    }
  }
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
