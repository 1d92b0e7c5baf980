// Every module's gradients against differences in double precision, and single against double precision.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/affinity_model.h"
#include "core/model/mixed_precision.h"
#include "tests/support/gradient_check.h"
#include "tests/support/half.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

ModelOptions Tiny(ModelType type = ModelType::kGated, GateKind gate = GateKind::kVector) {
  ModelOptions options;
  options.model_type = type;
  options.gate_kind = gate;
  options.hidden_dim = 8;
  options.feature_dim = 12;
  options.fusion_heads = 2;
  options.fusion_layers = 2;
  options.drug_layers = 2;
  options.dropout_rate = 0;
  return options;
}

const SyntheticEntities& Entities() {
  static const auto* const entities = new SyntheticEntities({5, 1, 9}, {40, 130});
  return *entities;
}

PairBatch Batch(torch::Dtype type) {
  PairBatch batch = Entities().Batch({{0, 0}, {1, 1}, {2, 0}, {0, 1}});
  batch.residue_mask = batch.residue_mask.to(type);
  batch.token_mask = batch.token_mask.to(type);
  return batch;
}

// A fixed direction to project outputs on, so that every output entry counts.
torch::Tensor Projected(const torch::Tensor& output) {
  return (output * torch::linspace(-1, 1, output.numel(), output.options()).view(output.sizes())).sum();
}

torch::Tensor Ramp(std::vector<int64_t> sizes, torch::Dtype type) {
  const int64_t count = c10::multiply_integers(sizes);
  return torch::sin(torch::arange(count, torch::TensorOptions().dtype(torch::kFloat64)) * 1.7).to(type).view(sizes);
}

template <typename Module>
void CheckModule(Module module, const std::function<torch::Tensor(Module&, torch::Dtype)>& loss) {
  ExpectGradientsMatchDifferences<Module>(module, [&](Module& m) { return loss(m, torch::kFloat64); });
  ExpectSameGradientsInFloat<Module>(module, loss);
}

TEST(GraphLayerTest, GradientsMatchDifferences) {
  torch::manual_seed(1);
  CheckModule<GraphLayer>(GraphLayer(8), [](GraphLayer& m, torch::Dtype type) {
    const PairBatch batch = Batch(type);
    return Projected(m(Ramp({batch.atom_features.size(0), 8}, type), batch.neighbors, batch.neighbor_bonds));
  });
}

TEST(MoleculeEncoderTest, GradientsMatchDifferences) {
  torch::manual_seed(2);
  CheckModule<MoleculeEncoder>(MoleculeEncoder(Tiny()),
                               [](MoleculeEncoder& m, torch::Dtype type) { return Projected(m(Batch(type))); });
}

TEST(ResidualConvolutionTest, GradientsMatchDifferences) {
  torch::manual_seed(3);
  CheckModule<ResidualConvolution>(ResidualConvolution(8, 5), [](ResidualConvolution& m, torch::Dtype type) {
    torch::Tensor mask = torch::ones({14, 1}, type);
    mask.slice(0, 4, 7).zero_();
    return Projected(m(Ramp({14, 8}, type) * mask, mask));
  });
}

TEST(ProteinEncoderTest, GradientsMatchDifferences) {
  torch::manual_seed(4);
  CheckModule<ProteinEncoder>(ProteinEncoder(Tiny()),
                              [](ProteinEncoder& m, torch::Dtype type) { return Projected(m(Batch(type))); });
}

// With a vector of five features for each protein.
PairBatch BatchWithFeatures(torch::Dtype type) {
  SyntheticEntities entities({5, 1, 9}, {40, 130});
  entities.GiveFeatures(5);
  PairBatch batch = entities.Batch({{0, 0}, {1, 1}, {2, 0}, {0, 1}});
  batch.residue_mask = batch.residue_mask.to(type);
  batch.token_mask = batch.token_mask.to(type);
  return batch;
}

ModelOptions WithFeatures(ModelOptions options) {
  options.protein_feature_dim = 5;
  return options;
}

TEST(ProteinEncoderTest, GradientsOfFeaturesMatchDifferences) {
  torch::manual_seed(4);
  CheckModule<ProteinEncoder>(ProteinEncoder(WithFeatures(Tiny())), [](ProteinEncoder& m, torch::Dtype type) {
    return Projected(m(BatchWithFeatures(type)));
  });
}

TEST(AttentionPoolTest, GradientsMatchDifferences) {
  torch::manual_seed(5);
  CheckModule<AttentionPool>(AttentionPool(8), [](AttentionPool& m, torch::Dtype type) {
    const torch::Tensor mask = torch::arange(5).view({1, 5}) < torch::tensor({3, 5}).view({2, 1});
    return Projected(m(Ramp({2, 5, 8}, type), mask));
  });
}

TEST(StandardizeTest, GradientsMatchDifferences) {
  torch::manual_seed(7);
  Standardize scale(3);
  scale(Ramp({6, 3}, torch::kFloat32));
  scale->Commit(scale->Take(), 0.5);
  torch::nn::Sequential below_it(torch::nn::Linear(4, 3), scale);  // It has no weights of its own that learn.
  CheckModule<torch::nn::Sequential>(below_it, [](torch::nn::Sequential& m, torch::Dtype type) {
    return Projected(m->forward(Ramp({5, 4}, type)));
  });
}

TEST(AffinityHeadTest, GradientsMatchDifferences) {
  torch::manual_seed(6);
  CheckModule<AffinityHead>(AffinityHead(Tiny()), [](AffinityHead& m, torch::Dtype type) {
    const torch::Tensor x = Ramp({12, 16}, type);
    return Projected(m(x.slice(0, 0, 3), x.slice(0, 3, 6), x.slice(0, 6, 9), x.slice(0, 9, 12)));
  });
}

class FusionSideGradientTest : public testing::TestWithParam<std::pair<ModelType, GateKind>> {};

TEST_P(FusionSideGradientTest, GradientsMatchDifferences) {
  torch::manual_seed(7);
  const ModelOptions options = Tiny(GetParam().first, GetParam().second);
  CheckModule<FusionSide>(FusionSide(options), [](FusionSide& m, torch::Dtype type) {
    const torch::Tensor own = Ramp({12, 8}, type), other = Ramp({18, 8}, type).flip(0);
    const torch::Tensor mask = torch::arange(6).view({1, 6}) < torch::tensor({2, 6, 5}).view({3, 1});
    const auto mine = m->Project(own).view({3, 4, 24}).split(8, 2),
               theirs = m->Project(other).view({3, 6, 24}).split(8, 2);
    const torch::Tensor attended = MultiHeadAttention(mine[0], theirs[1], theirs[2], mask, 2);
    return Projected(m(own, attended.reshape({12, 8})));
  });
}

INSTANTIATE_TEST_SUITE_P(EveryGate, FusionSideGradientTest,
                         testing::Values(std::pair(ModelType::kGated, GateKind::kVector),
                                         std::pair(ModelType::kGated, GateKind::kHead),
                                         std::pair(ModelType::kGated, GateKind::kScalar),
                                         std::pair(ModelType::kStandard, GateKind::kVector)));

class AffinityModelGradientTest : public testing::TestWithParam<ModelType> {};

TEST_P(AffinityModelGradientTest, GradientsMatchDifferences) {
  torch::manual_seed(8);
  AffinityModel model(Tiny(GetParam()));
  CheckModule<AffinityModel>(model,
                             [](AffinityModel& m, torch::Dtype type) { return Projected(m->forward(Batch(type))); });
}

TEST_P(AffinityModelGradientTest, GradientsWithFeaturesMatchDifferences) {
  torch::manual_seed(8);
  AffinityModel model(WithFeatures(Tiny(GetParam())));
  CheckModule<AffinityModel>(
      model, [](AffinityModel& m, torch::Dtype type) { return Projected(m->forward(BatchWithFeatures(type))); });
}

// The path that training takes by default. bf16 keeps 8 bits and may turn a relu or a maximum, so the tolerance is
// wide; uninitialised memory would be off by orders of magnitude.
TEST_P(AffinityModelGradientTest, MixedPrecisionAgreesWithDouble) {
  torch::manual_seed(9);
  AffinityModel model(Tiny(GetParam()));
  model->to(torch::kFloat64);
  model->eval();
  Projected(model->forward(Batch(torch::kFloat64))).backward();
  std::vector<torch::Tensor> expected;
  for (const torch::Tensor& parameter : model->parameters()) {
    if (parameter.requires_grad()) expected.push_back(parameter.grad().flatten().clone());
  }
  model->zero_grad();
  model->to(torch::kFloat32);
  for (torch::Tensor parameter : model->parameters()) parameter.mutable_grad() = torch::Tensor();
  for (int round = 0; round < 3; ++round) {
    for (torch::Tensor parameter : model->parameters()) parameter.mutable_grad() = torch::Tensor();
    PoisonMemory();
    torch::Tensor predicted;
    {
      const MixedPrecisionScope scope(torch::kCPU, torch::kBFloat16);
      predicted = model->forward(Batch(torch::kFloat32));
    }
    Projected(predicted).backward();
    std::vector<torch::Tensor> actual;
    for (const torch::Tensor& parameter : model->parameters()) {
      if (parameter.requires_grad()) actual.push_back(parameter.grad().flatten().to(torch::kFloat64));
    }
    const torch::Tensor a = torch::cat(actual), e = torch::cat(expected);
    EXPECT_LT((a - e).norm().item<double>(), 0.3 * e.norm().item<double>());
  }
}

// A batch of training, of the default sizes.
PairBatch TrainingBatch(torch::Dtype type) {
  std::vector<int> atoms, residues;
  for (int i = 0; i < 60; ++i) atoms.push_back(8 + i * 7 % 40);
  for (int i = 0; i < 24; ++i) residues.push_back(60 + i * 131 % 700);
  const SyntheticEntities entities(atoms, residues);
  std::vector<PairIndex> pairs;
  for (int i = 0; i < 192; ++i) pairs.push_back({i * 17 % 60, i / 8});
  PairBatch batch = entities.Batch(pairs);
  batch.residue_mask = batch.residue_mask.to(type);
  batch.token_mask = batch.token_mask.to(type);
  return batch;
}

// All parameters' gradients in a row, of a training step in poisoned memory.
torch::Tensor TrainingGradient(AffinityModel model, torch::Dtype type, bool mixed_precision) {
  model->to(type);
  model->train();
  model->set_generator(at::detail::createCPUGenerator(17));
  for (torch::Tensor parameter : model->parameters()) parameter.mutable_grad() = torch::Tensor();
  const PairBatch batch = TrainingBatch(type);
  PoisonMemory(1 << 21);
  torch::Tensor predicted;
  {
    const MixedPrecisionScope scope(torch::kCPU, Bf16If(mixed_precision));
    predicted = model->forward(batch);
  }
  Projected(predicted).backward();
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : model->parameters()) {
    if (parameter.requires_grad()) gradients.push_back(parameter.grad().flatten().to(torch::kFloat64));
  }
  return torch::cat(gradients);
}

TEST_P(AffinityModelGradientTest, TrainingStepOfDefaultSizeReadsNothingUnwritten) {
  torch::manual_seed(10);
  ModelOptions options;
  options.model_type = GetParam();
  ASSERT_GT(options.dropout_rate, 0);
  AffinityModel model(options);
  const torch::Tensor mixed = TrainingGradient(model, torch::kFloat32, true);
  EXPECT_TRUE(mixed.isfinite().all().item<bool>());
  EXPECT_TRUE(torch::equal(mixed, TrainingGradient(model, torch::kFloat32, true)));
  const torch::Tensor single = TrainingGradient(model, torch::kFloat32, false);
  EXPECT_TRUE(torch::equal(single, TrainingGradient(model, torch::kFloat32, false)));
  const torch::Tensor exact = TrainingGradient(model, torch::kFloat64, false);
  EXPECT_LT((single - exact).norm().item<double>(), 0.01 * exact.norm().item<double>());
  EXPECT_LT((mixed - exact).norm().item<double>(), 0.3 * exact.norm().item<double>());
}

INSTANTIATE_TEST_SUITE_P(BothTypes, AffinityModelGradientTest,
                         testing::Values(ModelType::kGated, ModelType::kStandard));

}  // namespace
}  // namespace deepbindnet
