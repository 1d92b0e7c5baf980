// Attention between the rows of both sides of pairs: the kernels of the CPU and what is composed of LibTorch's
// operators say the same, as the definition does.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/model/row_ops.h"
#include "tests/core/model/row_ops_fixture.h"
#include "tests/support/gradient_check.h"

namespace deepbindnet {
namespace {

class CrossAttentionRowOpsTest : public RowOpsTest {};

INSTANTIATE_TEST_SUITE_P(Widths, CrossAttentionRowOpsTest, testing::Values(32, 8),
                         [](const auto& info) { return info.param == 32 ? "Kernels" : "Composed"; });

TEST_P(CrossAttentionRowOpsTest, CrossAttentionAgrees) {
  CheckOperator({{kAtomRows, 3 * hidden_}, {kTokenRows, 3 * hidden_}}, by_kernels_,
                [&](const InputsImpl& inputs) -> std::vector<torch::Tensor> {
                  const auto [drug, target] = Attend(inputs[0], inputs[1], kHeads);
                  return {drug, target};
                });
}

TEST_P(CrossAttentionRowOpsTest, CrossAttentionOfWhichOneSideIsUsedAgrees) {
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

}  // namespace
}  // namespace deepbindnet
