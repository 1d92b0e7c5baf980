#include "core/model/fusion.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

namespace deepbindnet {
namespace {

constexpr int64_t kPairs = 3, kQueries = 4, kKeys = 5, kHidden = 8;

// One number after the other, as the definition says.
torch::Tensor AttentionByLoops(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                               const torch::Tensor& key_mask, int64_t heads) {
  const int64_t width = kHidden / heads;
  torch::Tensor result = torch::zeros_like(query);
  const auto q = query.accessor<double, 3>(), k = key.accessor<double, 3>(), v = value.accessor<double, 3>();
  const auto mask = key_mask.accessor<bool, 2>();
  auto out = result.accessor<double, 3>();
  for (int64_t p = 0; p < kPairs; ++p) {
    for (int64_t i = 0; i < kQueries; ++i) {
      for (int64_t h = 0; h < heads; ++h) {
        std::vector<double> weights(kKeys, 0.0);
        double total = 0;
        for (int64_t j = 0; j < kKeys; ++j) {
          if (!mask[p][j]) continue;
          double score = 0;
          for (int64_t c = h * width; c < (h + 1) * width; ++c) score += q[p][i][c] * k[p][j][c];
          weights[j] = std::exp(score / std::sqrt(static_cast<double>(width)));
          total += weights[j];
        }
        for (int64_t j = 0; j < kKeys; ++j) {
          for (int64_t c = h * width; c < (h + 1) * width; ++c) out[p][i][c] += weights[j] / total * v[p][j][c];
        }
      }
    }
  }
  return result;
}

class MultiHeadAttentionTest : public testing::Test {
 protected:
  MultiHeadAttentionTest() {
    torch::manual_seed(21);
    query_ = torch::randn({kPairs, kQueries, kHidden}, torch::kFloat64);
    key_ = torch::randn({kPairs, kKeys, kHidden}, torch::kFloat64);
    value_ = torch::randn({kPairs, kKeys, kHidden}, torch::kFloat64);
    mask_ = torch::tensor({1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1}).view({kPairs, kKeys}).to(torch::kBool);
  }

  torch::Tensor query_, key_, value_, mask_;
};

TEST_F(MultiHeadAttentionTest, EqualsItsDefinition) {
  for (const int64_t heads : {1, 2, 4, 8}) {
    const torch::Tensor result = MultiHeadAttention(query_, key_, value_, mask_, heads);
    EXPECT_TRUE(torch::allclose(result, AttentionByLoops(query_, key_, value_, mask_, heads), 1e-10, 1e-12)) << heads;
  }
}

TEST_F(MultiHeadAttentionTest, AnotherQueryReadsSomethingElse) {
  const torch::Tensor before = MultiHeadAttention(query_, key_, value_, mask_, 2);
  const torch::Tensor after = MultiHeadAttention(-query_, key_, value_, mask_, 2);
  EXPECT_GT((before - after).abs().amax({1, 2}).min().item<double>(), 0.1) << "in every pair";
  // The softmax of one score is 1: a query has no say where there is one key.
  mask_ = torch::arange(kKeys).view({1, kKeys}).expand({kPairs, kKeys}) == 2;
  EXPECT_TRUE(torch::equal(MultiHeadAttention(query_, key_, value_, mask_, 2),
                           MultiHeadAttention(-query_, key_, value_, mask_, 2)));
}

TEST_F(MultiHeadAttentionTest, MaskedKeyHasNoEffectAtAll) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kFloat64}) {
    const torch::Tensor query = query_.to(type), key = key_.to(type), value = value_.to(type);
    const torch::Tensor hidden = mask_.logical_not().unsqueeze(2);
    const torch::Tensor before = MultiHeadAttention(query, key, value, mask_, 2);
    const torch::Tensor after =
        MultiHeadAttention(query, key.masked_fill(hidden, 50.0), value.masked_fill(hidden, -1000.0), mask_, 2);
    EXPECT_TRUE(torch::equal(before, after));
  }
}

TEST_F(MultiHeadAttentionTest, WeightsAreThoseOfTheDefinition) {
  constexpr int64_t kHeads = 2, kWidth = kHidden / kHeads;
  torch::Tensor weights;
  const torch::Tensor result = MultiHeadAttention(query_, key_, value_, mask_, kHeads, &weights);
  EXPECT_TRUE(torch::equal(result, MultiHeadAttention(query_, key_, value_, mask_, kHeads)));
  ASSERT_EQ(weights.sizes().vec(), (std::vector<int64_t>{kPairs, kHeads, kQueries, kKeys}));
  for (int64_t head = 0; head < kHeads; ++head) {
    const torch::Tensor read =
        torch::matmul(weights.select(1, head), value_.narrow(2, head * kWidth, kWidth));  // [pairs, queries, width]
    EXPECT_TRUE(torch::allclose(read, result.narrow(2, head * kWidth, kWidth), 1e-10, 1e-12)) << head;
  }
  EXPECT_LT((weights.sum(3) - 1).abs().max().item<double>(), 1e-12);
  const torch::Tensor hidden = mask_.logical_not().view({kPairs, 1, 1, kKeys}).expand_as(weights);
  EXPECT_EQ(weights.masked_select(hidden).abs().sum().item<double>(), 0.0);
}

}  // namespace
}  // namespace deepbindnet
