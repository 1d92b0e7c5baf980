// The smallest and the largest pairs, alone and together, in both precisions.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <vector>

#include "core/model/affinity_model.h"
#include "core/model/mixed_precision.h"
#include "tests/support/gradient_check.h"
#include "tests/support/half.h"
#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

// Molecules of 1, 300 and 25 atoms, proteins of 1, 5,000 and 700 residues.
const SyntheticEntities& Entities() {
  static const auto* const entities = new SyntheticEntities({1, 300, 25}, {1, 5000, 700});
  return *entities;
}

constexpr PairIndex kSmallest = {0, 0}, kLargest = {1, 1}, kLongProtein = {0, 1}, kLargeMolecule = {1, 0};

struct Case {
  ModelType type;
  GateKind gate;
  bool mixed_precision;
  int residues_per_token;
};

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  return std::string(ModelTypeName(info.param.type)) + "_" + std::string(GateKindName(info.param.gate)) +
         (info.param.mixed_precision ? "_bf16_" : "_fp32_") + std::to_string(info.param.residues_per_token);
}

class ExtremesTest : public testing::TestWithParam<Case> {
 protected:
  ExtremesTest() {
    torch::manual_seed(13);
    ModelOptions options;
    options.model_type = GetParam().type;
    options.gate_kind = GetParam().gate;
    options.residues_per_token = GetParam().residues_per_token;
    options.fusion_layers = 2;
    model_ = AffinityModel(options);
    GiveRandomValues(*model_);
    const torch::NoGradGuard no_grad;
    for (auto& item : model_->named_parameters()) {  // Distributions that are narrow enough to tell pairs apart.
      if (item.key() == "members.0.head.last.weight") item.value().mul_(8);
    }
    model_->eval();
  }

  torch::Tensor Predict(const std::vector<PairIndex>& pairs) {
    PairBatch batch = Entities().Batch(pairs, GetParam().residues_per_token);
    batch.prior = torch::full({batch.drug.size(0), kPriorChannels}, 0.5F);
    PoisonMemory();
    const MixedPrecisionScope scope(torch::kCPU, Bf16If(GetParam().mixed_precision));
    return model_->forward(batch);
  }

  // Of parameters that learn, by name.
  std::vector<std::pair<std::string, torch::Tensor>> Gradients(const std::vector<PairIndex>& pairs) {
    model_->train();
    for (const torch::Tensor& parameter : model_->parameters()) parameter.mutable_grad() = torch::Tensor();
    const torch::Tensor predicted = Predict(pairs);
    (predicted - 1).square().mean().backward();
    std::vector<std::pair<std::string, torch::Tensor>> gradients;
    for (const auto& item : model_->named_parameters()) {
      if (item.value().requires_grad()) gradients.emplace_back(item.key(), item.value().grad());
    }
    return gradients;
  }

  AffinityModel model_{nullptr};
};

TEST_P(ExtremesTest, PredictionsAreFinite) {
  torch::NoGradGuard no_grad;
  for (const PairIndex pair : {kSmallest, kLargest, kLongProtein, kLargeMolecule}) {
    const torch::Tensor predicted = Predict({pair});
    ASSERT_EQ(predicted.sizes(), torch::IntArrayRef({1}));
    EXPECT_EQ(predicted.scalar_type(), torch::kFloat32);
    EXPECT_LT(predicted.abs().item<float>(), 100.0F) << pair.drug << " " << pair.target;
  }
}

TEST_P(ExtremesTest, GradientsAreFinite) {
  for (const auto& pairs : std::vector<std::vector<PairIndex>>{{kSmallest}, {kLargest}, {kSmallest, kLargest}}) {
    for (const auto& [name, gradient] : Gradients(pairs)) {
      // One atom has no bond, so nothing is learned of bonds there.
      ASSERT_TRUE(gradient.defined()) << name;
      EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << name << " with " << pairs.size() << " pairs";
      EXPECT_LT(gradient.abs().max().item<float>(), 1e4F) << name << " with " << pairs.size() << " pairs";
    }
  }
}

TEST_P(ExtremesTest, APredictionDoesNotDependOnWhatElseIsInTheBatch) {
  torch::NoGradGuard no_grad;
  // bf16 keeps 8 bits: a sum in another order may be rounded to the next of them.
  const float tolerance = GetParam().mixed_precision ? 0.02F : 1e-5F;
  std::vector<PairIndex> pairs = {kSmallest, kLargest, kLongProtein, kLargeMolecule, {2, 2}};
  for (int i = 0; i < 40; ++i) pairs.push_back({i % 3, 2 - i % 2 * 2});
  const torch::Tensor together = Predict(pairs);
  for (size_t i = 0; i < 5; ++i) {
    const int64_t at = static_cast<int64_t>(i);
    EXPECT_NEAR(Predict({pairs[i]}).item<float>(), together[at].item<float>(), tolerance) << i;
    EXPECT_NEAR(Predict({pairs[(i + 2) % 5], pairs[i]})[1].item<float>(), together[at].item<float>(), tolerance) << i;
  }
  const torch::Tensor five = together.narrow(0, 0, 5);
  EXPECT_GT((five.max() - five.min()).item<float>(), 5 * tolerance) << "they differ by more than rounding";
}

TEST_P(ExtremesTest, PredictionsAgreeWithDoublePrecision) {
  torch::NoGradGuard no_grad;
  const torch::Tensor predicted = Predict({kSmallest, kLargest});
  PairBatch batch = Entities().Batch({kSmallest, kLargest}, GetParam().residues_per_token);
  batch.prior = torch::full({2, kPriorChannels}, 0.5F);
  batch.token_mask = batch.token_mask.to(torch::kFloat64);
  model_->to(torch::kFloat64);
  const double error = (predicted - model_->forward(batch)).abs().max().item<double>();
  EXPECT_LT(error, GetParam().mixed_precision ? 0.05 : 1e-4);
}

INSTANTIATE_TEST_SUITE_P(All, ExtremesTest,
                         testing::Values(Case{ModelType::kGated, GateKind::kVector, false, 32},
                                         Case{ModelType::kGated, GateKind::kVector, true, 32},
                                         Case{ModelType::kGated, GateKind::kVector, false, 16},
                                         Case{ModelType::kGated, GateKind::kVector, true, 16},
                                         Case{ModelType::kGated, GateKind::kHead, true, 8},
                                         Case{ModelType::kGated, GateKind::kScalar, false, 8},
                                         Case{ModelType::kStandard, GateKind::kVector, false, 8},
                                         Case{ModelType::kStandard, GateKind::kVector, true, 16}),
                         CaseName);

}  // namespace
}  // namespace deepbindnet
