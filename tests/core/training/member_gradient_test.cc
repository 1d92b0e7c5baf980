#include "core/training/member_gradient.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

// What is recorded on a GPU are batches that are filled up.
TEST(MemberGradientTest, ABatchThatIsFilledUpHasTheSameGradient) {
  TrainingOptions options;
  options.model.hidden_dim = 32;
  options.model.feature_dim = 8;
  options.model.fusion_heads = 2;
  options.model.dropout_rate = 0;
  const SyntheticEntities entities({4, 6, 5, 7, 3}, {20, 35, 50});
  const TrainingPairs data{entities.Table(options.model.residues_per_token),
                           {{0, 0}, {1, 2}, {2, 2}, {1, 0}, {3, 2}},
                           torch::tensor({1.0F, -1.0F, 0.5F, 2.0F, -0.3F})};
  const std::vector<int64_t> chosen = {4, 1, 3};
  AffinityModel model(options.model);
  GiveRandomValues(*model);
  const AffinityNetwork member = model->members()[0];
  std::vector<torch::Tensor> gradients;
  const auto compute = [&](const PackedBatch& packed) {
    const GradientInput input = MakeInput(data, packed, ToDevice(packed.integers, torch::kCPU),
                                          /*feature_dropout_rate=*/0, at::detail::getDefaultCPUGenerator());
    model->zero_grad();
    const MemberResult result = AddGradient(model, member, input, options, c10::nullopt, 1, 1, nullptr);
    gradients.clear();
    for (const torch::Tensor& parameter : member->parameters()) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad().clone());
    }
    return result;
  };
  const PackedBatch packed = PackChosen(data, chosen, BatchSizes());
  const MemberResult expected = compute(packed);
  const std::vector<torch::Tensor> expected_gradients = gradients;

  BatchSizes least = packed.Sizes();
  using Size = int64_t BatchSizes::*;
  for (const Size size :
       {&BatchSizes::molecules, &BatchSizes::proteins, &BatchSizes::atoms, &BatchSizes::tokens, &BatchSizes::pair_atoms,
        &BatchSizes::pair_tokens, &BatchSizes::most_atoms, &BatchSizes::most_tokens}) {
    least.*size += 37;
  }
  const PackedBatch filled = PackChosen(data, chosen, least);
  const BatchSizes sizes = filled.Sizes();
  EXPECT_EQ(sizes.molecules, least.molecules);
  EXPECT_EQ(sizes.proteins, least.proteins);
  EXPECT_EQ(sizes.atoms, least.atoms);
  EXPECT_EQ(sizes.tokens, least.tokens);
  EXPECT_EQ(sizes.pair_atoms, least.pair_atoms);
  EXPECT_EQ(sizes.pair_tokens, least.pair_tokens);
  const MemberResult actual = compute(filled);
  EXPECT_TRUE(torch::allclose(actual.loss, expected.loss, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(actual.predicted, expected.predicted, 1e-4, 1e-5));
  EXPECT_GT(gradients.size(), 30U);
  ASSERT_EQ(gradients.size(), expected_gradients.size());
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(gradients[i], expected_gradients[i], 1e-3, 1e-5)) << i;
  }
}

}  // namespace
}  // namespace deepbindnet
