#include "core/model/pair_trace.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <vector>

#include "core/chem/environments.h"
#include "core/model/forward_observer.h"
#include "core/model/predict_pairs.h"
#include "tests/support/parameters.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

constexpr int kHeads = 4, kLayers = 2;

ModelOptions Options(ModelType type, GateKind gate) {
  ModelOptions options;
  options.model_type = type;
  options.gate_kind = gate;
  options.hidden_dim = 16;
  options.feature_dim = 24;
  options.fusion_heads = kHeads;
  options.fusion_layers = kLayers;
  return options;
}

AffinityModel MakeModel(const ModelOptions& options) {
  torch::manual_seed(11);
  AffinityModel model(options);
  GiveRandomValues(*model);
  model->eval();
  return model;
}

// A molecule of one atom and one of 300, a protein of one residue and one of 5,000, and some between.
const SyntheticEntities& Entities() {
  static const auto* const entities = new SyntheticEntities({1, 5, 30, 300}, {1, 16, 17, 700, 5000});
  return *entities;
}

PairTrace Trace(const AffinityModel& model, int drug, int target) {
  return TracePair(model, Entities().Batch({{drug, target}}, model->options().residues_per_token));
}

void ExpectShares(const torch::Tensor& shares, const std::vector<int64_t>& sizes, const std::string& what) {
  EXPECT_EQ(shares.sizes().vec(), sizes) << what;
  EXPECT_TRUE((shares >= 0).all().item<bool>()) << what;
  EXPECT_LT((shares.sum(-1) - 1).abs().max().item<double>(), 1e-5) << what;
}

void ExpectWhole(const SideTrace& side, int64_t n, int64_t m, const std::string& what) {
  ASSERT_EQ(side.layers.size(), static_cast<size_t>(kLayers)) << what;
  for (const LayerTrace& layer : side.layers) {
    ExpectShares(layer.attention, {n, m}, what);
    ExpectShares(layer.received, {kHeads, n}, what);
    EXPECT_EQ(layer.gate.sizes().vec(), (std::vector<int64_t>{n})) << what;
  }
  ExpectShares(side.pooling, {n}, what);
  ExpectShares(side.largest, {n}, what);
}

TEST(TracePairTest, WeightsSumToOneOverRealTokensOfAnySize) {
  for (const int residues_per_token : {8, 16, 32}) {
    ModelOptions options = Options(ModelType::kGated, GateKind::kVector);
    options.residues_per_token = residues_per_token;
    const AffinityModel model = MakeModel(options);
    for (int drug = 0; drug < 4; ++drug) {
      for (int target = 0; target < 5; ++target) {
        const int64_t atoms = Entities().graphs[drug].atoms();
        const auto residues = static_cast<int64_t>(Entities().tokens[target].size());
        const int64_t tokens = (residues + residues_per_token - 1) / residues_per_token;
        const std::string what = "drug " + std::to_string(drug) + ", target " + std::to_string(target);
        const PairTrace trace = Trace(model, drug, target);
        ExpectWhole(trace.drug, atoms, tokens, what);
        ExpectWhole(trace.target, tokens, atoms, what);
      }
    }
  }
}

TEST(TracePairTest, GatesOfEveryKindLieBetweenZeroAndOne) {
  for (const GateKind kind : {GateKind::kVector, GateKind::kHead, GateKind::kScalar}) {
    const PairTrace trace = Trace(MakeModel(Options(ModelType::kGated, kind)), 2, 3);
    for (const SideTrace* side : {&trace.drug, &trace.target}) {
      for (const LayerTrace& layer : side->layers) {
        EXPECT_TRUE(((layer.gate > 0) & (layer.gate < 1)).all().item<bool>()) << GateKindName(kind);
        EXPECT_GT(layer.gate.std().item<double>(), 1e-5) << "each token has a gate of its own";
      }
    }
  }
}

TEST(TracePairTest, GatesAreTheMeansOfWhatTheForwardPassAppends) {
  AffinityModel model = MakeModel(Options(ModelType::kGated, GateKind::kHead));
  const PairBatch batch = Entities().Batch({{2, 3}});
  std::vector<torch::Tensor> gates;
  model->forward(batch, &gates);
  const PairTrace trace = TracePair(model, batch);
  ASSERT_EQ(gates.size(), 4U);
  for (size_t layer = 0; layer < kLayers; ++layer) {
    EXPECT_TRUE(torch::allclose(trace.drug.layers[layer].gate, gates[2 * layer].mean(1)));
    EXPECT_TRUE(torch::allclose(trace.target.layers[layer].gate, gates[2 * layer + 1].mean(1)));
  }
}

TEST(TracePairTest, StandardModelsGatesAreExactlyOne) {
  const PairTrace trace = Trace(MakeModel(Options(ModelType::kStandard, GateKind::kVector)), 2, 3);
  for (const SideTrace* side : {&trace.drug, &trace.target}) {
    for (const LayerTrace& layer : side->layers) EXPECT_TRUE((layer.gate == 1).all().item<bool>());
  }
}

TEST(TracePairTest, PredictsWhatPredictPairsSays) {
  for (const ModelType type : {ModelType::kGated, ModelType::kStandard}) {
    const AffinityModel model = MakeModel(Options(type, GateKind::kVector));
    for (int drug = 0; drug < 4; ++drug) {
      const PairIndex pair{drug, 3};
      EXPECT_EQ(Trace(model, drug, 3).z,
                PredictPairs(model, torch::kCPU, Entities().Graphs(), Entities().Tokens(), {pair})[0]);
    }
  }
}

// A token that is read is what the other side's tokens pay it on average.
TEST(TracePairTest, ReceivedIsTheMeanOfWhatTheOtherSidePays) {
  const PairTrace trace = Trace(MakeModel(Options(ModelType::kGated, GateKind::kVector)), 2, 3);
  for (size_t layer = 0; layer < kLayers; ++layer) {
    EXPECT_TRUE(torch::allclose(trace.drug.layers[layer].received.mean(0), trace.target.layers[layer].attention.mean(0),
                                1e-4, 1e-7));
    EXPECT_TRUE(torch::allclose(trace.target.layers[layer].received.mean(0), trace.drug.layers[layer].attention.mean(0),
                                1e-4, 1e-7));
  }
}

TEST(TracePairTest, AttentionFollowsTheOtherSide) {
  const AffinityModel model = MakeModel(Options(ModelType::kGated, GateKind::kVector));
  const SideTrace one = Trace(model, 2, 3).drug, other = Trace(model, 2, 4).drug;
  EXPECT_GT((one.layers[0].received - other.layers[0].received).abs().max().item<double>(), 1e-5);
  EXPECT_GT((one.pooling - other.pooling).abs().max().item<double>(), 1e-6);
}

TEST(TracePairTest, LargestOfOneTokenIsAllOfIt) {
  const PairTrace trace = Trace(MakeModel(Options(ModelType::kGated, GateKind::kVector)), 0, 0);
  EXPECT_EQ(trace.drug.largest.item<float>(), 1.0F);
  EXPECT_EQ(trace.target.pooling.item<float>(), 1.0F);
}

// A ring of equal atoms: nothing tells them apart.
TEST(TracePairTest, SymmetricAtomsShareAlike) {
  MolecularGraph ring;
  constexpr int kAtoms = 6;
  for (int i = 0; i < kAtoms; ++i) {
    ring.atom_features.insert(ring.atom_features.end(), {3, 2, 3, 1, 1, 1, 1, 0});
    ring.bond_atoms.insert(ring.bond_atoms.end(), {i, (i + 1) % kAtoms});
    ring.bond_features.insert(ring.bond_features.end(), {3, 1, 1, 0});
  }
  ring.environments = AtomEnvironments(ring);
  const AffinityModel model = MakeModel(Options(ModelType::kGated, GateKind::kVector));
  const SideTrace side =
      TracePair(model, EntityTable({&ring}, {&Entities().tokens[3]}, 16, {}, torch::kCPU).Cut({{0, 0}})).drug;
  const torch::Tensor sixth = torch::full({kAtoms}, 1.0F / kAtoms);
  EXPECT_TRUE(torch::allclose(side.pooling, sixth, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(side.largest, sixth, 1e-5, 1e-6));
  for (const LayerTrace& layer : side.layers) {
    EXPECT_TRUE(torch::allclose(layer.received, sixth.expand({kHeads, kAtoms}), 1e-4, 1e-6));
    EXPECT_LT((layer.gate.max() - layer.gate.min()).item<double>(), 1e-5);
  }
}

// Keeps everything, of every pair of a batch.
class Recorder : public ForwardObserver {
 public:
  void OnMember(double /*share*/) override {}
  void OnAttention(size_t layer, Side side, size_t pair, const torch::Tensor& weights) override {
    (side == Side::kDrug ? drug_attention : target_attention).push_back({layer, pair, weights, {}});
  }
  void OnGate(size_t /*layer*/, Side /*side*/, const torch::Tensor& gate) override { gates.push_back(gate); }
  void OnPool(Side side, size_t pair, const torch::Tensor& tokens, const torch::Tensor& weights) override {
    (side == Side::kDrug ? drug_pools : target_pools).push_back({0, pair, weights, tokens});
  }

  struct Seen {
    size_t layer, pair;
    torch::Tensor weights, tokens;
  };
  std::vector<Seen> drug_attention, target_attention, drug_pools, target_pools;
  std::vector<torch::Tensor> gates;
};

std::vector<PairIndex> AllPairs() {
  std::vector<PairIndex> pairs;
  for (int drug = 0; drug < 4; ++drug) {
    for (int target = 0; target < 5; ++target) pairs.push_back({drug, target});
  }
  return pairs;
}

// The means over the members of what each alone would have been.
TEST(TracePairTest, OfSeveralMembersIsTheMeanOfTheirs) {
  ModelOptions options = Options(ModelType::kGated, GateKind::kVector);
  options.members = 2;
  const AffinityModel both = MakeModel(options);
  const std::vector<double> share = {0.7, 0.3};
  {
    const torch::NoGradGuard no_grad;
    both->shares().copy_(torch::tensor(share));
  }
  const PairTrace mean = Trace(both, 2, 3);
  std::vector<PairTrace> alone;
  for (const AffinityNetwork& member : both->members()) {
    ModelOptions of_one = Options(ModelType::kGated, GateKind::kVector);
    of_one.similarity_prior = alone.empty();  // The first member's.
    AffinityModel one = MakeModel(of_one);
    torch::NoGradGuard no_grad;
    for (auto& item : one->members()[0]->named_parameters()) {
      item.value().copy_(member->named_parameters()[item.key()]);
    }
    alone.push_back(Trace(one, 2, 3));
  }
  EXPECT_NEAR(mean.z, share[0] * alone[0].z + share[1] * alone[1].z, 1e-5);
  const auto expect_mean = [&](const torch::Tensor& of_both, const torch::Tensor& a, const torch::Tensor& b) {
    EXPECT_TRUE(torch::allclose(of_both, share[0] * a + share[1] * b, 1e-4, 1e-6));
    EXPECT_FALSE(torch::allclose(a, b, 1e-4, 1e-6)) << "members differ";
  };
  for (const auto side : {&PairTrace::drug, &PairTrace::target}) {
    const SideTrace &of_both = mean.*side, &a = alone[0].*side, &b = alone[1].*side;
    expect_mean(of_both.pooling, a.pooling, b.pooling);
    expect_mean(of_both.largest, a.largest, b.largest);
    for (size_t layer = 0; layer < kLayers; ++layer) {
      expect_mean(of_both.layers[layer].attention, a.layers[layer].attention, b.layers[layer].attention);
      expect_mean(of_both.layers[layer].received, a.layers[layer].received, b.layers[layer].received);
      expect_mean(of_both.layers[layer].gate, a.layers[layer].gate, b.layers[layer].gate);
    }
  }
}

TEST(ForwardObserverTest, SeesEveryPairInEveryLayerWithoutUnusedRows) {
  AffinityModel model = MakeModel(Options(ModelType::kGated, GateKind::kVector));
  const PairBatch batch = Entities().Batch(AllPairs(), model->options().residues_per_token);
  Recorder seen;
  model->forward(batch, nullptr, &seen);
  const auto atoms = [&](size_t pair) { return batch.pair_atoms.count[static_cast<int64_t>(pair)].item<int64_t>(); };
  const auto tokens = [&](size_t pair) { return batch.pair_tokens.count[static_cast<int64_t>(pair)].item<int64_t>(); };
  ASSERT_EQ(seen.drug_attention.size(), kLayers * AllPairs().size());
  ASSERT_EQ(seen.target_attention.size(), kLayers * AllPairs().size());
  for (size_t i = 0; i < seen.drug_attention.size(); ++i) {
    const size_t pair = i % AllPairs().size();
    for (const Recorder::Seen* one : {&seen.drug_attention[i], &seen.target_attention[i]}) {
      EXPECT_EQ(one->layer, i / AllPairs().size());
      EXPECT_EQ(one->pair, pair);
    }
    ExpectShares(seen.drug_attention[i].weights, {kHeads, atoms(pair), tokens(pair)}, "of the drug");
    ExpectShares(seen.target_attention[i].weights, {kHeads, tokens(pair), atoms(pair)}, "of the target");
  }
  ASSERT_EQ(seen.drug_pools.size(), AllPairs().size());
  ASSERT_EQ(seen.target_pools.size(), AllPairs().size());
  for (size_t pair = 0; pair < AllPairs().size(); ++pair) {
    EXPECT_EQ(seen.drug_pools[pair].pair, pair);
    EXPECT_EQ(seen.target_pools[pair].pair, pair);
    ExpectShares(seen.drug_pools[pair].weights, {atoms(pair)}, "of the drug");
    ExpectShares(seen.target_pools[pair].weights, {tokens(pair)}, "of the target");
    EXPECT_EQ(seen.drug_pools[pair].tokens.sizes(), (std::vector<int64_t>{atoms(pair), 16}));
    EXPECT_EQ(seen.target_pools[pair].tokens.sizes(), (std::vector<int64_t>{tokens(pair), 16}));
  }
  ASSERT_EQ(seen.gates.size(), 2U * kLayers);
  for (size_t i = 0; i < seen.gates.size(); ++i) {
    EXPECT_EQ(seen.gates[i].size(0), i % 2 == 0 ? batch.pair_atoms.total : batch.pair_tokens.total);
  }
}

TEST(ForwardObserverTest, WatchingDoesNotChangeThePrediction) {
  AffinityModel model = MakeModel(Options(ModelType::kGated, GateKind::kVector));
  const PairBatch batch = Entities().Batch(AllPairs(), model->options().residues_per_token);
  Recorder seen;
  EXPECT_TRUE(torch::equal(model->forward(batch), model->forward(batch, nullptr, &seen)));
}

TEST(ForwardObserverTest, PairInABatchIsSeenAsAlone) {
  AffinityModel model = MakeModel(Options(ModelType::kGated, GateKind::kVector));
  const PairBatch batch = Entities().Batch(AllPairs(), model->options().residues_per_token);
  Recorder seen;
  model->forward(batch, nullptr, &seen);
  constexpr size_t kPair = 2 * 5 + 3;  // Drug 2 with target 3.
  const PairTrace alone = Trace(model, 2, 3);
  EXPECT_TRUE(torch::allclose(seen.drug_pools[kPair].weights, alone.drug.pooling, 1e-4, 1e-6));
  EXPECT_TRUE(torch::allclose(seen.target_pools[kPair].weights, alone.target.pooling, 1e-4, 1e-6));
  for (size_t layer = 0; layer < kLayers; ++layer) {
    const size_t at = layer * AllPairs().size() + kPair;
    EXPECT_TRUE(
        torch::allclose(seen.drug_attention[at].weights.mean(0), alone.drug.layers[layer].attention, 1e-4, 1e-6));
    EXPECT_TRUE(
        torch::allclose(seen.target_attention[at].weights.mean(0), alone.target.layers[layer].attention, 1e-4, 1e-6));
  }
}

}  // namespace
}  // namespace deepbindnet
