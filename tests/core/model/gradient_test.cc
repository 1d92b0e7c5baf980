// Every module's gradients against differences in double precision, and single against double precision.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/model/affinity_model.h"
#include "core/model/mixed_precision.h"
#include "core/model/row_ops.h"
#include "tests/support/gradient_check.h"
#include "tests/support/half.h"
#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

// In double precision everything is composed of LibTorch's operators; in single precision widths of kByKernels, two
// heads, are computed by the kernels, and widths of kComposed are not.
constexpr int kByKernels = 32, kComposed = 8;

ModelOptions Tiny(ModelType type = ModelType::kGated, GateKind gate = GateKind::kVector, int hidden = kByKernels) {
  ModelOptions options;
  options.model_type = type;
  options.gate_kind = gate;
  options.hidden_dim = hidden;
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

torch::Tensor Ramp(std::vector<int64_t> sizes, torch::Dtype type) {
  const int64_t count = c10::multiply_integers(sizes);
  return torch::sin(torch::arange(count, torch::TensorOptions().dtype(torch::kFloat64)) * 1.7).to(type).view(sizes);
}

// With a prior, in the type.
PairBatch Complete(PairBatch batch, torch::Dtype type) {
  batch.token_mask = batch.token_mask.to(type);
  batch.prior = Ramp({batch.drug.size(0), kPriorChannels}, type);
  return batch;
}

PairBatch Batch(torch::Dtype type) { return Complete(Entities().Batch({{0, 0}, {1, 1}, {2, 0}, {0, 1}}), type); }

// A fixed direction to project outputs on, so that every output entry counts.
torch::Tensor Projected(const torch::Tensor& output) {
  return (output * torch::linspace(-1, 1, output.numel(), output.options()).view(output.sizes())).sum();
}

template <typename Module>
void CheckModule(Module module, const std::function<torch::Tensor(Module&, torch::Dtype)>& loss) {
  GiveRandomValues(*module);
  ExpectGradientsMatchDifferences<Module>(module, [&](Module& m) { return loss(m, torch::kFloat64); });
  ExpectSameGradientsInFloat<Module>(module, loss);
}

TEST(GraphLayerTest, GradientsMatchDifferences) {
  torch::manual_seed(1);
  for (const int hidden : {kByKernels, kComposed}) {
    CheckModule<GraphLayer>(GraphLayer(hidden), [&](GraphLayer& m, torch::Dtype type) {
      const PairBatch batch = Batch(type);
      return Projected(m(Ramp({batch.atom_features.size(0), hidden}, type), batch.neighbors, batch.neighbor_bonds));
    });
  }
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
  return Complete(entities.Batch({{0, 0}, {1, 1}, {2, 0}, {0, 1}}), type);
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
  const RowRanges ranges{torch::tensor({0, 2, 5}, torch::kInt64), torch::tensor({3, 6, 5}, torch::kInt64), 6, 14};
  for (const int hidden : {kByKernels, kComposed}) {
    CheckModule<AttentionPool>(AttentionPool(hidden), [&](AttentionPool& m, torch::Dtype type) {
      return Projected(m(Ramp({10, hidden}, type), ranges));
    });
  }
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
    const torch::Tensor x = Ramp({12, 2 * kByKernels}, type);
    const torch::Tensor prior = Ramp({3, kPriorChannels}, type);
    return Projected(m(x.slice(0, 0, 3), x.slice(0, 3, 6), x.slice(0, 6, 9), x.slice(0, 9, 12), prior));
  });
}

class FusionSideGradientTest : public testing::TestWithParam<std::pair<ModelType, GateKind>> {};

// Three pairs of two drugs and two targets.
torch::Tensor FuseOneSide(FusionSide& side, int64_t hidden, torch::Dtype type) {
  const auto tensor = [](std::vector<int64_t> values) { return torch::tensor(values); };
  const RowRanges atoms{tensor({0, 4, 0}), tensor({4, 3, 4}), 4, 11},
      tokens{tensor({0, 0, 6}), tensor({6, 6, 5}), 6, 17};
  const torch::Tensor own = Ramp({7, hidden}, type), other = Ramp({11, hidden}, type).flip(0);
  const torch::Tensor context =
      CrossAttention({side->Project(own), atoms, 12}, {side->Project(other), tokens, 20}, 2).first;
  return side(own, tensor({0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 0}), context);
}

TEST_P(FusionSideGradientTest, GradientsMatchDifferences) {
  torch::manual_seed(7);
  for (const int hidden : {kByKernels, kComposed}) {
    const ModelOptions options = Tiny(GetParam().first, GetParam().second, hidden);
    CheckModule<FusionSide>(FusionSide(options),
                            [&](FusionSide& m, torch::Dtype type) { return Projected(FuseOneSide(m, hidden, type)); });
  }
}

INSTANTIATE_TEST_SUITE_P(EveryGate, FusionSideGradientTest,
                         testing::Values(std::pair(ModelType::kGated, GateKind::kVector),
                                         std::pair(ModelType::kGated, GateKind::kHead),
                                         std::pair(ModelType::kGated, GateKind::kScalar),
                                         std::pair(ModelType::kStandard, GateKind::kVector)));

class AffinityModelGradientTest : public testing::TestWithParam<ModelType> {};

TEST_P(AffinityModelGradientTest, GradientsMatchDifferences) {
  torch::manual_seed(8);
  for (const int hidden : {kByKernels, kComposed}) {
    AffinityModel model(Tiny(GetParam(), GateKind::kVector, hidden));
    CheckModule<AffinityModel>(model,
                               [](AffinityModel& m, torch::Dtype type) { return Projected(m->forward(Batch(type))); });
  }
}

TEST_P(AffinityModelGradientTest, GradientsWithFeaturesMatchDifferences) {
  torch::manual_seed(8);
  AffinityModel model(WithFeatures(Tiny(GetParam())));
  CheckModule<AffinityModel>(
      model, [](AffinityModel& m, torch::Dtype type) { return Projected(m->forward(BatchWithFeatures(type))); });
}

// All parameters' gradients in a row, in double.
torch::Tensor FlatGradient(const AffinityModel& model) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : model->parameters()) {
    if (parameter.requires_grad()) gradients.push_back(parameter.grad().flatten().to(torch::kFloat64));
  }
  return torch::cat(gradients);
}

// The path that training takes by default. bf16 keeps 8 bits and may turn a relu or a maximum, so the tolerance is
// wide; uninitialised memory would be off by orders of magnitude.
TEST_P(AffinityModelGradientTest, MixedPrecisionAgreesWithDouble) {
  for (const int hidden : {kByKernels, kComposed}) {
    torch::manual_seed(9);
    AffinityModel model(Tiny(GetParam(), GateKind::kVector, hidden));
    GiveRandomValues(*model);
    model->to(torch::kFloat64);
    model->eval();
    Projected(model->forward(Batch(torch::kFloat64))).backward();
    const torch::Tensor expected = FlatGradient(model);
    model->to(torch::kFloat32);
    for (int round = 0; round < 3; ++round) {
      for (torch::Tensor parameter : model->parameters()) parameter.mutable_grad() = torch::Tensor();
      PoisonMemory();
      torch::Tensor predicted;
      {
        const MixedPrecisionScope scope(torch::kCPU, torch::kBFloat16);
        predicted = model->forward(Batch(torch::kFloat32));
      }
      Projected(predicted).backward();
      EXPECT_LT((FlatGradient(model) - expected).norm().item<double>(), 0.3 * expected.norm().item<double>());
    }
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
  return Complete(entities.Batch(pairs, ModelOptions().residues_per_token), type);
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
  return FlatGradient(model);
}

TEST_P(AffinityModelGradientTest, TrainingStepOfDefaultSizeReadsNothingUnwritten) {
  torch::manual_seed(10);
  ModelOptions options;
  options.model_type = GetParam();
  ASSERT_GT(options.dropout_rate, 0);
  AffinityModel model(options);
  GiveRandomValues(*model);
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
