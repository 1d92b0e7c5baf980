#include "core/inference/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/inference/explanation_output.h"
#include "core/inference/predictor.h"
#include "core/model/checkpoint.h"
#include "tests/support/parameters.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKinase[] = "MTVKTEAAKGTLTYSRMRGMVAILIAFMKQRRMGLNDFIQKIANNSYACKHPEVQSILKIS";  // 60 residues.
constexpr char kAspirin[] = "CC(=O)Oc1ccccc1C(=O)O";

class ExplanationTest : public testing::Test {
 protected:
  std::shared_ptr<const Predictor> Load(const std::function<void(ModelOptions*)>& change = nullptr) const {
    torch::manual_seed(4);
    Checkpoint checkpoint;
    checkpoint.options.hidden_dim = 16;
    checkpoint.options.fusion_layers = 2;
    if (change) change(&checkpoint.options);
    checkpoint.scaler = {11.7, 0.84};
    checkpoint.affinity_unit = "KIBA";
    AffinityModel model(checkpoint.options);
    GiveRandomValues(*model);
    checkpoint.weights = CopyWeights(*model);
    EXPECT_THAT(SaveCheckpoint(directory_ / "model.pt", checkpoint), IsOk());
    const auto predictor = LoadPredictor(directory_ / "model.pt", "cpu");
    EXPECT_THAT(predictor, IsOk());
    return *predictor;
  }

  static Explanation Explain(const Predictor& predictor, const std::string& smiles, const std::string& sequence) {
    const auto explanation = predictor.Explain({{smiles}, {sequence}, {{0, 0}}}, 0);
    EXPECT_THAT(explanation, IsOk());
    return explanation.ok() ? *explanation : Explanation();
  }

  const TempDir directory_;
};

template <typename Token>
void ExpectSharesSumToOne(const std::vector<Token>& tokens, size_t layers, const std::string& what) {
  double importance = 0, largest = 0;
  std::vector<double> attention(layers, 0.0);
  for (const Token& token : tokens) {
    EXPECT_GE(token.importance, 0) << what;
    importance += token.importance;
    largest += token.largest_share;
    ASSERT_EQ(token.layers.size(), layers) << what;
    for (size_t layer = 0; layer < layers; ++layer) {
      double heads = 0;
      for (const double head : token.layers[layer].head_attention) heads += head;
      EXPECT_NEAR(heads / static_cast<double>(token.layers[layer].head_attention.size()), token.layers[layer].attention,
                  1e-12);
      attention[layer] += token.layers[layer].attention;
      EXPECT_GT(token.layers[layer].gate, 0) << what;
      EXPECT_LE(token.layers[layer].gate, 1) << what;
    }
  }
  EXPECT_NEAR(importance, 1, 1e-4) << what;
  EXPECT_NEAR(largest, 1, 1e-4) << what;
  for (const double sum : attention) EXPECT_NEAR(sum, 1, 1e-4) << what;
}

TEST_F(ExplanationTest, EveryAtomAndResidueHasItsPlace) {
  const auto predictor = Load([](ModelOptions* options) { options->residues_per_token = 16; });
  const Explanation explanation = Explain(*predictor, "OC(=O)c1ccccc1OC(C)=O", " mtvkteaakgtltysrMRGM* ");
  EXPECT_EQ(explanation.canonical_smiles, kAspirin);
  EXPECT_EQ(explanation.sequence, "MTVKTEAAKGTLTYSRMRGM");
  EXPECT_EQ(explanation.residues_per_token, 16);
  std::string elements;
  for (size_t i = 0; i < explanation.atoms.size(); ++i) {
    EXPECT_EQ(explanation.atoms[i].index, static_cast<int>(i));
    elements += explanation.atoms[i].element;
  }
  EXPECT_EQ(elements, "CCOOCCCCCCCOO");
  ASSERT_EQ(explanation.spans.size(), 2U);
  EXPECT_EQ(explanation.spans[0].first_residue, 1);
  EXPECT_EQ(explanation.spans[0].last_residue, 16);
  EXPECT_EQ(explanation.spans[1].first_residue, 17);
  EXPECT_EQ(explanation.spans[1].last_residue, 20) << "the last one is shorter";
}

TEST_F(ExplanationTest, SharesSumToOneForEveryModelAndSize) {
  for (const ModelType type : {ModelType::kGated, ModelType::kStandard}) {
    for (const GateKind kind : {GateKind::kVector, GateKind::kHead, GateKind::kScalar}) {
      for (const int residues_per_token : {8, 16, 32}) {
        const auto predictor = Load([&](ModelOptions* options) {
          options->model_type = type;
          options->gate_kind = kind;
          options->residues_per_token = residues_per_token;
        });
        for (const size_t atoms : {1, 2, 300}) {
          for (const size_t residues : {1, 5000}) {
            const std::string what = absl::StrCat(ModelTypeName(type), " ", GateKindName(kind), " ", atoms, " atoms ",
                                                  residues, " residues");
            const Explanation explanation = Explain(*predictor, std::string(atoms, 'C'), std::string(residues, 'M'));
            EXPECT_EQ(explanation.atoms.size(), atoms) << what;
            ASSERT_FALSE(explanation.spans.empty()) << what;
            EXPECT_EQ(explanation.spans.back().last_residue, static_cast<int>(residues)) << what;
            ExpectSharesSumToOne(explanation.atoms, 2, what);
            ExpectSharesSumToOne(explanation.spans, 2, what);
          }
        }
      }
    }
  }
}

TEST_F(ExplanationTest, GatesAreOneInAStandardModelAndLessInAGatedOne) {
  const auto standard = Load([](ModelOptions* options) { options->model_type = ModelType::kStandard; });
  for (const AtomExplanation& atom : Explain(*standard, kAspirin, kKinase).atoms) EXPECT_EQ(atom.layers[1].gate, 1.0);
  for (const SpanExplanation& span : Explain(*Load(), kAspirin, kKinase).spans) EXPECT_LT(span.layers[1].gate, 1.0);
}

TEST_F(ExplanationTest, ValueIsThePredictionOfThePair) {
  const auto predictor = Load();
  for (const std::string smiles : {"C", kAspirin, "CC(C)NCC(O)COc1cccc2ccccc12.Cl"}) {
    const PredictionInput input = {{smiles}, {kKinase}, {{0, 0}}};
    ASSERT_OK_AND_ASSIGN(const auto predicted, predictor->Predict(input));
    ASSERT_THAT(predicted[0], IsOk());
    EXPECT_EQ(Explain(*predictor, smiles, kKinase).value, *predicted[0]) << smiles;
  }
}

TEST_F(ExplanationTest, OtherPairsOfTheInputDoNotMatter) {
  const auto predictor = Load();
  const PredictionInput input = {
      {"CCO", "not a molecule", kAspirin}, {"MK9", kKinase, "MKV"}, {{1, 0}, {2, 1}, {0, 2}}};
  ASSERT_OK_AND_ASSIGN(const Explanation among, predictor->Explain(input, 1));
  EXPECT_EQ(ExplanationJson(among, predictor->info(), ExplanationDetail::kHeads),
            ExplanationJson(Explain(*predictor, kAspirin, kKinase), predictor->info(), ExplanationDetail::kHeads));
}

TEST_F(ExplanationTest, SymmetricAtomsGetEqualValues) {
  const Explanation benzene = Explain(*Load(), "c1ccccc1", kKinase);
  for (const AtomExplanation& atom : benzene.atoms) {
    EXPECT_NEAR(atom.importance, 1.0 / 6, 1e-5);
    EXPECT_NEAR(atom.largest_share, 1.0 / 6, 1e-5);
    EXPECT_NEAR(atom.layers[1].attention, 1.0 / 6, 1e-5);
    EXPECT_NEAR(atom.layers[1].gate, benzene.atoms[0].layers[1].gate, 1e-5);
  }
  // In phenol, O0 C1 C2 ... C6, the ring's atoms are alike in mirror pairs only.
  const Explanation phenol = Explain(*Load(), "Oc1ccccc1", kKinase);
  EXPECT_NEAR(phenol.atoms[2].importance, phenol.atoms[6].importance, 1e-5);
  EXPECT_NEAR(phenol.atoms[3].importance, phenol.atoms[5].importance, 1e-5);
}

TEST_F(ExplanationTest, BothSidesMoveTheAttention) {
  const auto predictor = Load();
  const Explanation one = Explain(*predictor, kAspirin, kKinase);
  const Explanation other = Explain(*predictor, kAspirin, std::string(60, 'W'));
  EXPECT_NE(one.atoms[0].layers[0].attention, other.atoms[0].layers[0].attention);
  EXPECT_NE(one.spans[0].layers[0].attention, Explain(*predictor, "c1ccncc1", kKinase).spans[0].layers[0].attention);
}

TEST_F(ExplanationTest, PairThatCannotBeReadHasTheErrorOfPredict) {
  const auto predictor = Load([](ModelOptions* options) { options->max_sequence_length = 100; });
  const PredictionInput input = {
      {"CCO", "C1CC"}, {kKinase, "MK9", std::string(101, 'A')}, {{1, 0}, {0, 1}, {0, 2}, {0, 3}, {-1, 0}}};
  const auto explain = [&](size_t pair) { return predictor->Explain(input, pair); };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(explain(0), IsError(kInvalid, "INVALID_SMILES", "C1CC"));
  EXPECT_THAT(explain(1), IsError(kInvalid, "INVALID_SEQUENCE", "'9' at position 3"));
  EXPECT_THAT(explain(2), IsError(kInvalid, "SEQUENCE_TOO_LONG", "at most 100"));
  EXPECT_THAT(explain(3), IsError(kInvalid, "INVALID_FIELD", "pairs[3].target: 3 is not an index"));
  EXPECT_THAT(explain(4), IsError(kInvalid, "INVALID_FIELD", "pairs[4].drug: -1 is not an index"));
  EXPECT_THAT(explain(5), IsError(kInvalid, "INVALID_FIELD", "pair: 5 is not one of the 5 pairs"));
}

// Two atoms and three residues in two spans, with numbers to recognise.
Explanation Small() {
  Explanation explanation;
  explanation.value = 7.25;
  explanation.prior = 6.5;
  explanation.canonical_smiles = "CO";
  explanation.sequence = "MKV";
  explanation.residues_per_token = 2;
  explanation.atoms.resize(2);
  explanation.atoms[0].element = "C";
  explanation.atoms[0].importance = 1.0 / 3;
  explanation.atoms[0].largest_share = 0.5;
  explanation.atoms[0].layers = {{0.25, 0.75, {0.2, 0.3}}};
  explanation.atoms[1].index = 1;
  explanation.atoms[1].element = "O";
  explanation.atoms[1].importance = 2.0 / 3;
  explanation.atoms[1].layers = {{0.75, 0.5, {0.8, 0.7}}};
  explanation.spans.resize(2);
  explanation.spans[0].first_residue = 1;
  explanation.spans[0].last_residue = 2;
  explanation.spans[0].importance = 0.125;
  explanation.spans[1].first_residue = explanation.spans[1].last_residue = 3;
  explanation.spans[1].importance = 0.875;
  return explanation;
}

PredictorInfo Model() {
  PredictorInfo info;
  info.model_type = "gated";
  info.affinity_unit = "pKd";
  info.affinity_direction = AffinityDirection::kLowerBindsTighter;
  info.digest = "d1";
  return info;
}

TEST(ExplanationJsonTest, HasWhatTheFormatSays) {
  const auto json = nlohmann::json::parse(ExplanationJson(Small(), Model(), ExplanationDetail::kLayers));
  EXPECT_EQ(json["format_version"], 1);
  EXPECT_THAT(json["note"].get<std::string>(), HasSubstr("do not prove"));
  EXPECT_EQ(json["model_type"], "gated");
  EXPECT_EQ(json["model_digest"], "d1");
  EXPECT_EQ(json["predicted_affinity"], 7.25);
  EXPECT_EQ(json["prior_affinity"], 6.5);
  EXPECT_EQ(json["affinity_unit"], "pKd");
  EXPECT_EQ(json["affinity_direction"], "lower");
  EXPECT_EQ(json["canonical_smiles"], "CO");
  EXPECT_EQ(json["sequence"], "MKV");
  EXPECT_EQ(json["residues_per_token"], 2);
  EXPECT_EQ(json["atoms"][0], nlohmann::json::parse(R"({"index": 0, "element": "C", "importance": 0.333333,
                                "largest_share": 0.5, "layers": [{"attention": 0.25, "gate": 0.75}]})"));
  EXPECT_EQ(json["spans"][1], nlohmann::json::parse(R"({"index": 1, "first_residue": 3, "last_residue": 3,
                                "importance": 0.875, "largest_share": 0.0, "layers": []})"));
  EXPECT_EQ(json["residues"], nlohmann::json::parse(R"([{"position": 1, "residue": "M", "span": 0},
                                {"position": 2, "residue": "K", "span": 0},
                                {"position": 3, "residue": "V", "span": 1}])"));
}

TEST(ExplanationJsonTest, AModelWithoutAPriorHasNull) {
  Explanation explanation = Small();
  explanation.prior.reset();
  EXPECT_TRUE(nlohmann::json::parse(ExplanationJson(explanation, Model(), ExplanationDetail::kSummary))
                  .at("prior_affinity")
                  .is_null());
}

TEST(ExplanationJsonTest, ADirectionThatIsNotKnownIsNamedSo) {
  const auto json = nlohmann::json::parse(ExplanationJson(Small(), PredictorInfo(), ExplanationDetail::kSummary));
  EXPECT_EQ(json["affinity_direction"], "unknown");
}

TEST(ExplanationJsonTest, DetailAddsLayersAndHeads) {
  const auto atom = [](ExplanationDetail detail) {
    return nlohmann::json::parse(ExplanationJson(Small(), Model(), detail))["atoms"][1];
  };
  EXPECT_FALSE(atom(ExplanationDetail::kSummary).contains("layers"));
  EXPECT_FALSE(atom(ExplanationDetail::kLayers)["layers"][0].contains("head_attention"));
  EXPECT_THAT(atom(ExplanationDetail::kHeads)["layers"][0]["head_attention"], ElementsAre(0.8, 0.7));
}

TEST(ExplanationJsonTest, IsOneLineOfAsciiWhateverTheUnit) {
  PredictorInfo model = Model();
  model.affinity_unit = "\xC2\xB5M\n\xFF";
  const std::string text = ExplanationJson(Small(), model, ExplanationDetail::kHeads);
  for (const char c : text) EXPECT_TRUE(c >= ' ' && c < 0x7F);
  EXPECT_THAT(nlohmann::json::parse(text)["affinity_unit"].get<std::string>(), HasSubstr("\xC2\xB5M\n"));
}

TEST(ExplanationSvgTest, DrawsTheAtomsByImportance) {
  const auto svg = ExplanationSvg(Small(), /*atom_indices=*/false);
  ASSERT_THAT(svg, IsOk());
  EXPECT_THAT(*svg, HasSubstr("importance (weight in the pool)"));
  EXPECT_THAT(*svg, HasSubstr(">0.6667</text>"));
  EXPECT_THAT(*svg, Not(HasSubstr("class='note'")));
  EXPECT_THAT(*ExplanationSvg(Small(), /*atom_indices=*/true), HasSubstr("class='note'"));
}

TEST(ExplanationTextTest, NamesTheMostImportantFirst) {
  const std::vector<std::string> lines = absl::StrSplit(ExplanationText(Small()), '\n');
  EXPECT_THAT(lines, ElementsAre("similar molecules and proteins alone say 6.5000; with the network it is 7.2500",
                                 "atoms by importance, of 2 in CO (index from 0):", "     1 O    0.6667",
                                 "     0 C    0.3333", "residues by importance, of 3 in 2 spans (positions from 1):",
                                 "      3-3     V                  0.8750", "      1-2     MK                 0.1250",
                                 HasSubstr("do not prove"), ""));
}

TEST(ExplanationTextTest, ShowsFiveAtMostAndTheFirstOfEquals) {
  Explanation explanation = Small();
  explanation.prior.reset();
  explanation.atoms.assign(7, explanation.atoms[0]);
  for (int i = 0; i < 7; ++i) explanation.atoms[static_cast<size_t>(i)].index = i;
  const std::string text = ExplanationText(explanation);
  EXPECT_THAT(text, StartsWith("atoms by importance")) << "a model without a prior";
  EXPECT_THAT(text, HasSubstr("     4 C "));
  EXPECT_THAT(text, Not(HasSubstr("     5 C ")));
}

}  // namespace
}  // namespace deepbindnet
