// Every option of the network does what it says.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/model/affinity_model.h"
#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

ModelOptions Small() {
  ModelOptions options;
  options.hidden_dim = 16;
  options.feature_dim = 24;
  options.fusion_heads = 4;
  return options;
}

AffinityModel MakeModelOf(const ModelOptions& options) {
  torch::manual_seed(11);
  AffinityModel model(options);
  model->eval();
  return model;
}

// Molecules of 5 and 9 atoms, proteins of 40 and 130 residues.
PairBatch BatchFor(const ModelOptions& options) {
  static const auto* const entities = new SyntheticEntities({5, 9}, {40, 130});
  return entities->Batch({{0, 0}, {1, 1}}, options.residues_per_token);
}

std::vector<torch::Tensor> GatesOf(const ModelOptions& options) {
  std::vector<torch::Tensor> gates;
  MakeModelOf(options)->forward(BatchFor(options), &gates);
  return gates;
}

torch::Tensor Predict(const ModelOptions& options) {
  AffinityModel model = MakeModelOf(options);
  GiveRandomValues(*model);
  return model->forward(BatchFor(options));
}

double MeanGate(const ModelOptions& options) {
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& gate : GatesOf(options)) flat.push_back(gate.flatten());
  return torch::cat(flat).mean().item<double>();
}

int64_t CountNamed(const ModelOptions& options, const std::string& part) {
  int64_t count = 0;
  for (const auto& item : MakeModelOf(options)->named_parameters()) {
    count += item.key().find(part) != std::string::npos ? 1 : 0;
  }
  return count;
}

TEST(ModelOptionsEffectTest, GateKindDecidesHowManyValuesATokenHas) {
  ModelOptions options = Small();
  std::vector<torch::Tensor> predictions;
  for (const auto& [kind, width] : {std::pair(GateKind::kVector, 16), {GateKind::kHead, 4}, {GateKind::kScalar, 1}}) {
    options.gate_kind = kind;
    for (const torch::Tensor& gate : GatesOf(options)) EXPECT_EQ(gate.size(1), width) << GateKindName(kind);
    for (const torch::Tensor& other : predictions) {
      EXPECT_FALSE(torch::allclose(Predict(options), other, 1e-6, 1e-7)) << GateKindName(kind);
    }
    predictions.push_back(Predict(options));
  }
}

TEST(ModelOptionsEffectTest, GatesBeginAtTheirInitialBias) {
  for (const GateKind kind : {GateKind::kVector, GateKind::kHead, GateKind::kScalar}) {
    for (const double bias : {-8.0, -3.0, 3.0, 8.0}) {
      ModelOptions options = Small();
      options.gate_kind = kind;
      options.gate_initial_bias = bias;
      EXPECT_NEAR(MeanGate(options), 1 / (1 + std::exp(-bias)), 0.1 * std::exp(-std::abs(bias) / 4))
          << GateKindName(kind) << " " << bias;
    }
    EXPECT_NEAR(MeanGate(Small()), 0.5, 0.1) << "0, the default";
  }
}

// At the start a prediction is the prior's, drawn towards the mean; without a prior it is about the mean.
TEST(ModelOptionsEffectTest, PredictionsBeginAtTheSimilarityPrior) {
  AffinityModel model = MakeModelOf(Small());
  PairBatch batch = BatchFor(Small());
  const torch::Tensor without = model->forward(batch);
  for (const float prior : {-2.0F, 0.5F, 3.0F}) {
    // What was learned counts as much at first, and the nearest ones for nothing.
    batch.prior = torch::tensor({{prior, 0.0F, 0.0F, 0.0F}, {prior - 1, 1.0F, 0.2F, -0.2F}});
    const torch::Tensor predicted = model->forward(batch);
    for (int pair = 0; pair < 2; ++pair) EXPECT_NEAR(predicted[pair].item<float>(), 0.72 * prior, 0.2);
  }
  batch.prior = torch::Tensor();
  EXPECT_TRUE(torch::equal(model->forward(batch), without));
  EXPECT_LT(without.abs().max().item<float>(), 0.5);
}

TEST(ModelOptionsEffectTest, WithoutSimilarityPriorTheHeadTakesNone) {
  ModelOptions options = Small();
  EXPECT_EQ(CountNamed(options, "head.prior"), 2);
  options.similarity_prior = false;
  EXPECT_EQ(CountNamed(options, "head.prior"), 0);
  AffinityModel model = MakeModelOf(options);
  PairBatch batch = BatchFor(options);
  const torch::Tensor without = model->forward(batch);
  batch.prior = torch::full({2, kPriorChannels}, 3.0F);
  EXPECT_TRUE(torch::equal(model->forward(batch), without));
}

TEST(ModelOptionsEffectTest, DrugLayersAreGraphLayers) {
  for (const int layers : {1, 3, 16}) {
    ModelOptions options = Small();
    options.drug_layers = layers;
    EXPECT_EQ(CountNamed(options, "molecules.layers"), layers * CountNamed(options, "molecules.layers.0."));
    EXPECT_EQ(CountNamed(options, ".eps"), layers);
  }
}

// An atom hears of one that is k bonds away after k layers. Environments stay as they are.
TEST(ModelOptionsEffectTest, DrugLayersDecideHowFarAtomsSee) {
  SyntheticEntities chain({9}, {16});
  chain.graphs[0].bond_atoms.resize(16);  // Without the bond that closes the ring.
  chain.graphs[0].bond_features.resize(8 * kBondFeatures);
  SyntheticEntities changed = chain;
  changed.graphs[0].atom_features[0] = chain.graphs[0].atom_features[0] == 1 ? 2 : 1;
  for (const int layers : {1, 4}) {
    ModelOptions options = Small();
    options.drug_layers = layers;
    torch::manual_seed(3);
    MoleculeEncoder encoder(options);
    GiveRandomValues(*encoder);
    const torch::Tensor moved = (encoder(chain.Batch({{0, 0}})) - encoder(changed.Batch({{0, 0}}))).abs().amax(1);
    for (int atom = 0; atom < 9; ++atom) EXPECT_EQ(moved[atom].item<float>() > 0, atom <= layers) << atom;
  }
}

// Without any graph layer that has an effect.
TEST(ModelOptionsEffectTest, EnvironmentsMoveTheirOwnAtomAlone) {
  const SyntheticEntities chain({9}, {16});
  for (int r = 0; r < kEnvironmentRadii; ++r) {
    SyntheticEntities changed = chain;
    changed.graphs[0].environments[3 * kEnvironmentRadii + r] ^= 1;
    torch::manual_seed(3);
    MoleculeEncoder encoder(Small());
    const torch::Tensor moved = (encoder(chain.Batch({{0, 0}})) - encoder(changed.Batch({{0, 0}}))).abs().amax(1);
    for (int atom = 0; atom < 9; ++atom) EXPECT_EQ(moved[atom].item<float>() > 0, atom == 3) << atom << " " << r;
  }
}

TEST(ModelOptionsEffectTest, ResiduesPerTokenDecidesHowManyTokensThereAre) {
  ModelOptions options = Small();
  options.residues_per_token = 32;
  EXPECT_EQ(GatesOf(options)[1].size(0), 2 + 5);
  options.residues_per_token = 16;
  EXPECT_EQ(GatesOf(options)[1].size(0), 3 + 9);
  options.residues_per_token = 8;
  EXPECT_EQ(GatesOf(options)[1].size(0), 5 + 17);
  EXPECT_EQ(GatesOf(options)[0].size(0), 5 + 9) << "atoms are as they were";
}

TEST(ModelOptionsEffectTest, FusionLayersAndWidthsDecideTheShapes) {
  ModelOptions options = Small();
  options.fusion_layers = 3;
  EXPECT_EQ(GatesOf(options).size(), 6U);
  options.hidden_dim = 32;
  EXPECT_EQ(GatesOf(options)[0].size(1), 32);
  const int64_t before = CountParameters(*MakeModelOf(options));
  options.feature_dim = 48;
  EXPECT_GT(CountParameters(*MakeModelOf(options)), before);
}

}  // namespace
}  // namespace deepbindnet
