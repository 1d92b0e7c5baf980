#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "core/model/affinity_network.h"

namespace deepbindnet {
namespace {

TEST(StandardizeTest, StatisticsFollowWhatIsCommitted) {
  Standardize module(2);
  const torch::Tensor mean = module->parameters()[0], square = module->parameters()[1];
  const torch::Tensor first = torch::tensor({1.0F, 10.0F}).view({1, 2});
  EXPECT_TRUE(torch::allclose(module->forward(first), first)) << "with the statistics from before the step";
  module->forward(torch::tensor({3.0F, 30.0F}).view({1, 2}));
  EXPECT_TRUE(torch::equal(mean, torch::zeros({2})));
  module->Commit(module->Take(), 0.05);
  // A twentieth of the means 2 and 20, and of the mean squares 5 and 500, beside 0 and 1.
  EXPECT_TRUE(torch::allclose(mean, torch::tensor({0.1F, 1.0F})));
  EXPECT_TRUE(torch::allclose(square, torch::tensor({1.2F, 25.95F})));
  module->Commit(module->Take(), 0.05);
  EXPECT_TRUE(torch::allclose(mean, torch::tensor({0.1F, 1.0F}))) << "nothing new was seen";
  module->eval();
  const torch::Tensor y = module->forward(torch::tensor({3.0F, 30.0F}).view({1, 2}));
  module->Commit(module->Take(), 0.05);
  EXPECT_TRUE(torch::allclose(mean, torch::tensor({0.1F, 1.0F}))) << "evaluation changes nothing";
  EXPECT_NEAR(y[0][1].item<double>(), (30 - 1) / std::sqrt(25.95 - 1), 1e-5);
}

TEST(StandardizeTest, RowsOfAReplicaCountAsItsOwn) {
  Standardize module(1), replica(1), idle(1);
  module->forward(torch::tensor({1.0F, 2.0F, 3.0F}).view({3, 1}));
  replica->forward(torch::full({1, 1}, 10.0F));
  module->Commit(module->Take() + replica->Take() + idle->Take(), 0.05);
  EXPECT_NEAR(module->parameters()[0].item<double>(), 0.05 * 16 / 4, 1e-6);
  EXPECT_NEAR(module->parameters()[1].item<double>(), 0.95 + 0.05 * 114 / 4, 1e-5);
  module->Commit(replica->Take(), 0.05);
  EXPECT_NEAR(module->parameters()[0].item<double>(), 0.05 * 16 / 4, 1e-6) << "what was taken is gone";
}

TEST(StandardizeTest, ConstantChannelIsNotBlownUp) {
  Standardize module(1);
  for (int i = 0; i < 2000; ++i) {
    module->forward(torch::full({4, 1}, 3.0F));
    module->Commit(module->Take(), 0.05);
  }
  module->eval();
  EXPECT_NEAR(module->forward(torch::full({1, 1}, 3.01F)).item<double>(), 1.0, 0.05) << "least SD 0.01";
}

}  // namespace
}  // namespace deepbindnet
