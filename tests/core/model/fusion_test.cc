#include "core/model/fusion.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/parameters.h"

namespace deepbindnet {
namespace {

constexpr int64_t kHidden = 16, kHeads = 4;

FusionSide MakeSide(ModelType type, GateKind kind = GateKind::kVector, double bias = 0) {
  ModelOptions options;
  options.model_type = type;
  options.gate_kind = kind;
  options.gate_initial_bias = bias;
  options.hidden_dim = kHidden;
  options.fusion_heads = kHeads;
  torch::manual_seed(11);
  return FusionSide(options);
}

torch::Tensor Linear(const FusionSide& side, const std::string& name, const torch::Tensor& x) {
  const auto parameters = side->named_parameters();
  const torch::Tensor* const bias = parameters.find(name + ".bias");
  return torch::linear(x, parameters[name + ".weight"], bias == nullptr ? torch::Tensor() : *bias);
}

torch::Tensor Norm(const FusionSide& side, const torch::Tensor& x) {
  const auto parameters = side->named_parameters();
  return torch::layer_norm(x, {kHidden}, parameters["norm.weight"], parameters["norm.bias"]);
}

class FusionSideTest : public testing::Test {
 protected:
  FusionSideTest() {
    torch::manual_seed(3);
    tokens_ = torch::randn({4, kHidden});
    context_ = torch::randn({6, kHidden});
  }
  torch::Tensor Tokens() const { return tokens_.index_select(0, rows_); }

  torch::Tensor tokens_, context_;
  const torch::Tensor rows_ = torch::tensor({3, 0, 0, 1, 2, 3}, torch::kInt64);
};

TEST_F(FusionSideTest, AGatedOneFollowsItsFormula) {
  for (const auto& [kind, width] :
       {std::pair(GateKind::kVector, kHidden), {GateKind::kHead, kHeads}, {GateKind::kScalar, int64_t{1}}}) {
    FusionSide side = MakeSide(ModelType::kGated, kind, 0.5);
    GiveRandomValues(*side);
    torch::Tensor gate;
    const torch::Tensor out = side(tokens_, rows_, context_, &gate);
    const torch::Tensor expected =
        torch::sigmoid(Linear(side, "token_gate", Tokens()) + Linear(side, "context_gate", context_));
    ASSERT_EQ(gate.sizes(), (std::vector<int64_t>{6, width}));
    EXPECT_TRUE(torch::allclose(gate, expected, 1e-5, 1e-6));
    const torch::Tensor by_channel = expected.repeat_interleave(kHidden / width, 1);
    EXPECT_TRUE(torch::allclose(out, Norm(side, Tokens() + by_channel * context_), 1e-5, 1e-5));
  }
}

TEST_F(FusionSideTest, AStandardOneHasNoGate) {
  FusionSide side = MakeSide(ModelType::kStandard);
  GiveRandomValues(*side);
  torch::Tensor gate;
  const torch::Tensor out = side(tokens_, rows_, context_, &gate);
  EXPECT_FALSE(gate.defined());
  EXPECT_TRUE(torch::allclose(out, Norm(side, Tokens() + context_), 1e-5, 1e-5));
}

TEST_F(FusionSideTest, TheOtherSidesValuesStartAtZero) {
  for (const ModelType type : {ModelType::kGated, ModelType::kStandard}) {
    FusionSide side = MakeSide(type);
    const torch::Tensor projected = side->Project(tokens_);
    ASSERT_EQ(projected.sizes(), (std::vector<int64_t>{4, 3 * kHidden}));
    EXPECT_EQ(projected.narrow(1, 2 * kHidden, kHidden).abs().sum().item<float>(), 0.0F);
    EXPECT_GT(projected.narrow(1, 0, 2 * kHidden).abs().amax(0).min().item<float>(), 0.0F) << "queries and keys do not";
    // Of a context of zeros: the tokens are passed on, normalised.
    EXPECT_TRUE(torch::allclose(side(tokens_, rows_, torch::zeros_like(context_)),
                                torch::layer_norm(Tokens(), {kHidden}), 1e-5, 1e-5));
  }
}

TEST_F(FusionSideTest, TheGatesBiasStartsWhereItIsSaid) {
  FusionSide side = MakeSide(ModelType::kGated, GateKind::kHead, -2.5);
  EXPECT_TRUE(torch::equal(side->named_parameters()["token_gate.bias"], torch::full({kHeads}, -2.5F)));
}

}  // namespace
}  // namespace deepbindnet
