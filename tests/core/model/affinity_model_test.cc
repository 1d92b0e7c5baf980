#include "core/model/affinity_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/chem/environments.h"
#include "core/model/predict_pairs.h"
#include "core/prior/similarity_prior.h"
#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

using testing::DoubleEq;
using testing::Pointwise;

AffinityModel FreshModelOf(ModelType type, GateKind gate = GateKind::kVector) {
  ModelOptions options;
  options.model_type = type;
  options.gate_kind = gate;
  options.hidden_dim = 16;
  options.feature_dim = 24;
  options.fusion_heads = 4;
  options.fusion_layers = 2;
  torch::manual_seed(11);
  AffinityModel model(options);
  model->eval();
  return model;
}

AffinityModel ModelOfMembers(int members) {
  ModelOptions options = FreshModelOf(ModelType::kGated)->options();
  options.members = members;
  torch::manual_seed(11);
  AffinityModel model(options);
  GiveRandomValues(*model);
  model->eval();
  return model;
}

// Whose fusion has an effect.
AffinityModel MakeModelOf(ModelType type, GateKind gate = GateKind::kVector) {
  AffinityModel model = FreshModelOf(type, gate);
  GiveRandomValues(*model);
  return model;
}

const SyntheticEntities& Entities() {
  static const auto* const entities = new SyntheticEntities({5, 1, 30, 12}, {40, 1, 700, 2000, 130});
  return *entities;
}

std::vector<PairIndex> AllPairs() {
  std::vector<PairIndex> pairs;
  for (int drug = 0; drug < 4; ++drug) {
    for (int target = 0; target < 5; ++target) pairs.push_back({drug, target});
  }
  return pairs;
}

double Spread(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

std::vector<double> Predict(const AffinityModel& model, const std::vector<PairIndex>& pairs) {
  return PredictPairs(model, torch::kCPU, Entities().Graphs(), Entities().Tokens(), pairs);
}

TEST(AffinityModelTest, TypesDifferByTheGateAlone) {
  const AffinityModel standard = FreshModelOf(ModelType::kStandard);
  for (const GateKind kind : {GateKind::kVector, GateKind::kHead, GateKind::kScalar}) {
    const auto gated = FreshModelOf(ModelType::kGated, kind)->named_parameters();
    size_t shared = 0;
    for (const auto& item : standard->named_parameters()) {
      ASSERT_TRUE(gated.contains(item.key())) << item.key();
      EXPECT_TRUE(torch::equal(gated[item.key()], item.value())) << item.key();
      ++shared;
    }
    for (const auto& item : gated) {
      if (item.key().find("gate") == std::string::npos) --shared;
    }
    EXPECT_EQ(shared, 0U) << "a parameter of the gated model that is no gate is missing from the standard model";
  }
}

TEST(AffinityModelTest, OpenGateEqualsStandard) {
  for (const GateKind kind : {GateKind::kVector, GateKind::kHead, GateKind::kScalar}) {
    AffinityModel gated = MakeModelOf(ModelType::kGated, kind), standard = MakeModelOf(ModelType::kStandard);
    torch::NoGradGuard no_grad;
    const std::vector<double> partly = Predict(gated, AllPairs());
    for (auto& item : gated->named_parameters()) {
      if (item.key().find("gate.weight") != std::string::npos) item.value().zero_();
      if (item.key().find("gate.bias") != std::string::npos) item.value().fill_(100.0);
    }
    const std::vector<double> open = Predict(gated, AllPairs()), without = Predict(standard, AllPairs());
    double moved = 0;
    for (size_t i = 0; i < open.size(); ++i) {
      EXPECT_NEAR(open[i], without[i], 1e-6);
      moved += std::abs(partly[i] - without[i]);
    }
    EXPECT_GT(moved, 1e-3) << "the gate has no effect";
  }
}

TEST(AffinityModelTest, PredictionsMoveWithEitherInput) {
  const AffinityModel model = MakeModelOf(ModelType::kGated);
  for (int drug = 0; drug < 4; ++drug) {
    EXPECT_GT(Spread(Predict(model, {{drug, 0}, {drug, 1}, {drug, 2}, {drug, 3}, {drug, 4}})), 0.04) << drug;
  }
  for (int target = 0; target < 5; ++target) {
    EXPECT_GT(Spread(Predict(model, {{0, target}, {1, target}, {2, target}, {3, target}})), 0.04) << target;
  }
}

// What the head is given, in its order.
enum HeadInput { kFusedDrug, kFusedTarget, kDrug, kTarget };

// The model, whose head now sees one of its inputs alone.
AffinityModel ThatSees(HeadInput input, AffinityModel model) {
  constexpr size_t npos = std::string::npos;
  const int64_t pooled = 2 * model->options().hidden_dim;
  torch::NoGradGuard no_grad;
  for (auto& item : model->named_parameters()) {
    if (item.key().find(".head.drug_") != npos || item.key().find(".head.target_") != npos) item.value().zero_();
    if (item.key() != "members.0.head.first.weight") continue;
    const torch::Tensor seen = item.value().narrow(1, input * pooled, pooled).clone();
    item.value().zero_().narrow(1, input * pooled, pooled).copy_(seen);
  }
  return model;
}

// Attention to a single pooled vector would leave one side's vector as it is, whatever the other side.
TEST(AffinityModelTest, FusedVectorsDependOnTheOtherSide) {
  const auto model_that_sees = [](HeadInput input) { return ThatSees(input, MakeModelOf(ModelType::kGated)); };
  const AffinityModel fused_drug = model_that_sees(kFusedDrug), drug = model_that_sees(kDrug);
  for (int d = 0; d < 4; ++d) {
    const std::vector<PairIndex> pairs = {{d, 0}, {d, 1}, {d, 2}, {d, 3}, {d, 4}};
    EXPECT_GT(Spread(Predict(fused_drug, pairs)), 1e-4) << d;
    EXPECT_LT(Spread(Predict(drug, pairs)), 1e-6) << "the encoder's own vector knows nothing of the target";
  }
  const AffinityModel fused_target = model_that_sees(kFusedTarget), target = model_that_sees(kTarget);
  for (int t = 0; t < 5; ++t) {
    const std::vector<PairIndex> pairs = {{0, t}, {1, t}, {2, t}, {3, t}};
    EXPECT_GT(Spread(Predict(fused_target, pairs)), 1e-4) << t;
    EXPECT_LT(Spread(Predict(target, pairs)), 1e-6) << "the encoder's own vector knows nothing of the drug";
  }
}

// Its layers begin by passing their tokens on.
TEST(AffinityModelTest, AFreshModelsFusedVectorsAreThoseOfTheEncoders) {
  for (const ModelType type : {ModelType::kGated, ModelType::kStandard}) {
    const AffinityModel fused_drug = ThatSees(kFusedDrug, FreshModelOf(type));
    const AffinityModel fused_target = ThatSees(kFusedTarget, FreshModelOf(type));
    EXPECT_LT(Spread(Predict(fused_drug, {{2, 0}, {2, 1}, {2, 2}, {2, 3}, {2, 4}})), 1e-6);
    EXPECT_LT(Spread(Predict(fused_target, {{0, 3}, {1, 3}, {2, 3}, {3, 3}})), 1e-6);
    EXPECT_GT(Spread(Predict(fused_drug, {{0, 3}, {1, 3}, {2, 3}, {3, 3}})), 1e-3);
  }
}

TEST(AffinityModelTest, FeaturesMoveThePredictionsOfTheirProteinAlone) {
  ModelOptions options = MakeModelOf(ModelType::kGated)->options();
  options.protein_feature_dim = 6;
  torch::manual_seed(11);
  AffinityModel model(options);
  model->eval();
  SyntheticEntities entities = Entities();
  entities.GiveFeatures(6);
  const auto predict = [&](const SyntheticEntities& some) {
    return PredictPairs(model, torch::kCPU, some.Graphs(), some.Tokens(), {{0, 0}, {0, 2}, {1, 2}}, some.Features());
  };
  const std::vector<double> before = predict(entities);
  entities.features[2][4] += 0.5F;
  const std::vector<double> after = predict(entities);
  EXPECT_NEAR(before[0], after[0], 1e-6);
  EXPECT_GT(std::abs(before[1] - after[1]), 1e-4);
  EXPECT_GT(std::abs(before[2] - after[2]), 1e-4);
}

TEST(AffinityModelTest, FeaturesAddOneLinearLayer) {
  ModelOptions options = MakeModelOf(ModelType::kGated)->options();
  const int64_t without = CountParameters(*AffinityModel(options));
  options.protein_feature_dim = 6;
  const AffinityModel model(options);
  EXPECT_EQ(CountParameters(*model), without + 6 * 16 + 16);
  EXPECT_EQ(model->named_parameters()["members.0.proteins.features.weight"].sizes(), (std::vector<int64_t>{16, 6}));
}

TEST(AffinityModelTest, OneResidueMovesThePrediction) {
  const AffinityModel model = MakeModelOf(ModelType::kGated);
  SyntheticEntities changed = Entities();
  changed.tokens[2][350] = changed.tokens[2][350] == 1 ? 2 : 1;
  const double before = Predict(model, {{0, 2}})[0];
  const double after = PredictPairs(model, torch::kCPU, changed.Graphs(), changed.Tokens(), {{0, 2}})[0];
  EXPECT_GT(std::abs(before - after), 1e-7);
}

TEST(AffinityModelTest, InteractionDependsOnThePair) {
  // The drug's effect differs between targets: not a sum of a drug's and a target's part.
  const std::vector<double> p = Predict(MakeModelOf(ModelType::kGated), AllPairs());
  EXPECT_GT(std::abs((p[0] - p[2]) - (p[10] - p[12])), 1e-5);
}

TEST(AffinityModelTest, AnswerDoesNotDependOnTheRestOfTheBatch) {
  const AffinityModel model = MakeModelOf(ModelType::kGated);
  const std::vector<double> together = Predict(model, AllPairs());
  for (size_t i = 0; i < together.size(); ++i) EXPECT_NEAR(Predict(model, {AllPairs()[i]})[0], together[i], 1e-5);
}

TEST(AffinityModelTest, AnswersComeInTheOrderAsked) {
  const AffinityModel model = MakeModelOf(ModelType::kStandard);
  std::vector<PairIndex> pairs = AllPairs();
  const std::vector<double> forward = Predict(model, pairs);
  std::reverse(pairs.begin(), pairs.end());
  const std::vector<double> backward = Predict(model, pairs);
  for (size_t i = 0; i < pairs.size(); ++i) EXPECT_NEAR(forward[i], backward[pairs.size() - 1 - i], 1e-5);
}

TEST(AffinityModelTest, GateValuesAreOfRealTokens) {
  AffinityModel model = MakeModelOf(ModelType::kGated);
  std::vector<torch::Tensor> gates;
  model->forward(Entities().Batch({{0, 0}, {2, 4}}, 16), &gates);
  int64_t rows = 0;
  for (const torch::Tensor& gate : gates) {
    rows += gate.size(0);
    EXPECT_EQ(gate.size(1), 16);
    EXPECT_TRUE(((gate > 0) & (gate < 1)).all().item<bool>());
  }
  // Two layers over 5 + 30 atoms and 3 + 9 tokens.
  EXPECT_EQ(rows, 2 * (35 + 12));
}

TEST(AffinityModelTest, AtomOrderDoesNotMatter) {
  const AffinityModel model = MakeModelOf(ModelType::kGated);
  SyntheticEntities reversed = Entities();
  MolecularGraph& graph = reversed.graphs[3];
  const MolecularGraph original = graph;
  const int atoms = graph.atoms();
  for (int a = 0; a < atoms; ++a) {
    std::copy_n(&original.atom_features[a * kAtomFeatures], kAtomFeatures,
                &graph.atom_features[(atoms - 1 - a) * kAtomFeatures]);
  }
  for (int32_t& atom : graph.bond_atoms) atom = atoms - 1 - atom;
  graph.environments = AtomEnvironments(graph);
  const double before = Predict(model, {{3, 0}})[0];
  EXPECT_NEAR(PredictPairs(model, torch::kCPU, reversed.Graphs(), reversed.Tokens(), {{3, 0}})[0], before, 1e-5);
}

TEST(MembersTest, ThePredictionIsTheSumOfTheirsTimesTheirShares) {
  AffinityModel model = ModelOfMembers(3);
  const PairBatch batch = Entities().Batch(AllPairs(), model->options().residues_per_token);
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> predictions;
  for (AffinityNetwork& member : model->members()) {
    predictions.push_back(model->Expect(member->Score(batch, member->Encode(batch))));
  }
  ASSERT_EQ(predictions.size(), 3U);
  const torch::Tensor mean = (predictions[0] + predictions[1] + predictions[2]) / 3;
  EXPECT_TRUE(torch::allclose(model->forward(batch), mean, 1e-5, 1e-6)) << "alike at first";
  EXPECT_TRUE(torch::allclose(model->PredictMembers(batch), torch::stack(predictions), 1e-5, 1e-6));
  model->shares().copy_(torch::tensor({0.5F, 0.2F, 0.3F}));
  const torch::Tensor sum = 0.5 * predictions[0] + 0.2 * predictions[1] + 0.3 * predictions[2];
  EXPECT_TRUE(torch::allclose(model->forward(batch), sum, 1e-5, 1e-6));
  const std::vector<double> predicted = Predict(model, AllPairs());
  for (size_t i = 0; i < predicted.size(); ++i) EXPECT_NEAR(predicted[i], sum[i].item<double>(), 1e-5) << i;
  EXPECT_GT((predictions[0] - predictions[1]).abs().max().item<float>(), 0.01F);
  EXPECT_GT((predictions[1] - predictions[2]).abs().max().item<float>(), 0.01F);
}

TEST(MembersTest, TheFirstAloneIsToldThePrior) {
  const AffinityModel model = ModelOfMembers(3);
  PairBatch batch = Entities().Batch(AllPairs());
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < 3; ++i) {
    AffinityNetwork member = model->members()[i];
    batch.prior = torch::Tensor();
    const torch::Tensor without = member->Score(batch, member->Encode(batch));
    batch.prior = torch::full({without.size(0), kPriorChannels}, 2.0F);
    EXPECT_EQ(torch::equal(member->Score(batch, member->Encode(batch)), without), i > 0) << i;
  }
}

TEST(MembersTest, StartFromDifferentWeightsAndTheFirstFromThoseOfAModelOfOne) {
  const auto one = ModelOfMembers(1)->named_parameters(), three = ModelOfMembers(3)->named_parameters();
  for (const auto& item : one) {
    if (item.key() == "shares") continue;
    EXPECT_TRUE(torch::equal(item.value(), three[item.key()])) << item.key();
  }
  for (const char* const name : {"molecules.atoms", "proteins.triplets", "head.second.weight"}) {
    EXPECT_FALSE(torch::allclose(three[absl::StrCat("members.0.", name)], three[absl::StrCat("members.2.", name)]));
  }
}

TEST(MembersTest, EachHasParametersAndGatesOfItsOwn) {
  AffinityModel model = ModelOfMembers(3);
  ModelOptions options = model->options();
  options.members = 1;
  const int64_t with_prior = CountParameters(*AffinityModel(options));
  options.similarity_prior = false;
  EXPECT_EQ(CountParameters(*model), with_prior + 2 * CountParameters(*AffinityModel(options)));
  std::vector<torch::Tensor> gates;
  model->forward(Entities().Batch(AllPairs()), &gates);
  EXPECT_EQ(gates.size(), 3U * 2 * 2) << "two layers of two sides";
}

TEST(CommitStatisticsTest, EveryStatisticOfTheModelIsMoved) {
  AffinityModel model = ModelOfMembers(2);
  model->train();
  std::vector<torch::Tensor> kept;
  for (const auto& item : model->named_parameters()) {
    if (!item.value().requires_grad()) kept.push_back(item.value().clone());
  }
  EXPECT_EQ(kept.size(), 18U) << "mean and square of each member's four pooled vectors, the levels and the shares";
  model->forward(Entities().Batch(AllPairs()));
  CommitStatistics(model, TakeStatistics({model}), 0);
  size_t next = 0;
  for (const auto& item : model->named_parameters()) {
    if (item.value().requires_grad()) continue;
    const bool stays = item.key() == "levels" || item.key() == "shares";
    EXPECT_EQ(torch::equal(item.value(), kept[next++]), stays) << item.key();
  }
}

TEST(CommitStatisticsTest, TheFirstStepsCountAlikeAndLaterOnesATwentieth) {
  AffinityModel model = MakeModelOf(ModelType::kGated);
  Standardize scale = model->members()[0]->scales()[0];
  model->train();
  const auto commit = [&](double x, int64_t steps) {
    scale->forward(torch::full({1, 2 * model->options().hidden_dim}, x));
    CommitStatistics(model, TakeStatistics({model}), steps);
    return scale->parameters()[0][0].item<double>();
  };
  EXPECT_NEAR(commit(6, 0), 6, 1e-6);
  EXPECT_NEAR(commit(12, 1), 9, 1e-6);
  EXPECT_NEAR(commit(0, 2), 6, 1e-6);
  EXPECT_NEAR(commit(26, 1000), 7, 1e-6);
}

TEST(LevelsTest, AFreshModelPredictsAboutTheMeanWhateverItsLevels) {
  ModelOptions options;
  options.lowest_level = -14;
  options.highest_level = 7;
  AffinityModel model(options);
  model->eval();
  const torch::NoGradGuard no_grad;
  EXPECT_LT(model->forward(Entities().Batch(AllPairs(), options.residues_per_token)).abs().max().item<float>(), 0.7F);
}

TEST(LevelsTest, ExpectIsTheMeanOfTheDistribution) {
  ModelOptions options;
  options.lowest_level = -1;
  options.highest_level = 2;
  const AffinityModel model(options);
  const torch::Tensor scores = torch::full({2, kLevels}, -100.0F);
  scores[0][0] = scores[0][kLevels - 1] = 5;  // Half at each end.
  scores[1][kLevels - 1] = 5;
  EXPECT_TRUE(torch::allclose(model->Expect(scores), torch::tensor({0.5F, 2.0F}), 1e-5, 1e-5));
  EXPECT_EQ(model->levels().size(0), kLevels);
  EXPECT_FLOAT_EQ(model->levels()[0].item<float>(), -1);
}

TEST(CountParametersTest, PresetsHaveTheDocumentedSizes) {
  ModelOptions small, base;
  base.hidden_dim = 256;
  base.feature_dim = 512;
  base.fusion_heads = 8;
  base.fusion_layers = 4;
  EXPECT_EQ(CountParameters(*AffinityModel(small)), 1511683);
  EXPECT_EQ(CountParameters(*AffinityModel(base)), 10036963);
  small.model_type = base.model_type = ModelType::kStandard;
  EXPECT_EQ(CountParameters(*AffinityModel(small)), 1495171);
  EXPECT_EQ(CountParameters(*AffinityModel(base)), 8986339);
}

}  // namespace
}  // namespace deepbindnet
