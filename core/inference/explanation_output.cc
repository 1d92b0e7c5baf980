#include "core/inference/explanation_output.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/chem/drawing.h"

namespace deepbindnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr size_t kMostLines = 5;
constexpr char kNote[] =
    "Numbers out of the model's inside: they show where it looked, and do not prove what causes the affinity.";

// Rounded to six digits, about what a float32 has: half the bytes.
double Rounded(double value) { return std::strtod(absl::StrFormat("%.6g", value).c_str(), nullptr); }

Json LayersJson(const std::vector<LayerExplanation>& layers, bool heads) {
  Json json = Json::array();
  for (const LayerExplanation& layer : layers) {
    Json object = {{"attention", Rounded(layer.attention)}, {"gate", Rounded(layer.gate)}};
    if (heads) {
      Json values = Json::array();
      for (const double value : layer.head_attention) values.push_back(Rounded(value));
      object["head_attention"] = std::move(values);
    }
    json.push_back(std::move(object));
  }
  return json;
}

void AddToken(const TokenExplanation& token, ExplanationDetail detail, Json* json) {
  (*json)["importance"] = Rounded(token.importance);
  (*json)["largest_share"] = Rounded(token.largest_share);
  if (detail == ExplanationDetail::kSummary) return;
  (*json)["layers"] = LayersJson(token.layers, detail == ExplanationDetail::kHeads);
}

Json AtomsJson(const Explanation& explanation, ExplanationDetail detail) {
  Json atoms = Json::array();
  for (const AtomExplanation& atom : explanation.atoms) {
    Json object = {{"index", atom.index}, {"element", atom.element}};
    AddToken(atom, detail, &object);
    atoms.push_back(std::move(object));
  }
  return atoms;
}

Json SpansJson(const Explanation& explanation, ExplanationDetail detail) {
  Json spans = Json::array();
  for (const SpanExplanation& span : explanation.spans) {
    Json object = {{"index", spans.size()}, {"first_residue", span.first_residue}, {"last_residue", span.last_residue}};
    AddToken(span, detail, &object);
    spans.push_back(std::move(object));
  }
  return spans;
}

Json ResiduesJson(const Explanation& explanation) {
  Json residues = Json::array();
  for (size_t i = 0; i < explanation.sequence.size(); ++i) {
    residues.push_back({{"position", i + 1},
                        {"residue", explanation.sequence.substr(i, 1)},
                        {"span", i / static_cast<size_t>(explanation.residues_per_token)}});
  }
  return residues;
}

// The most important ones, the first of equals first.
template <typename Token>
std::vector<const Token*> Top(const std::vector<Token>& tokens) {
  std::vector<const Token*> top;
  for (const Token& token : tokens) top.push_back(&token);
  std::stable_sort(top.begin(), top.end(),
                   [](const Token* a, const Token* b) { return a->importance > b->importance; });
  top.resize(std::min(top.size(), kMostLines));
  return top;
}

}  // namespace

std::string ExplanationJson(const Explanation& explanation, const PredictorInfo& model, ExplanationDetail detail) {
  Json json = {{"format_version", kFormatVersion},
               {"note", kNote},
               {"model_type", model.model_type},
               {"model_digest", model.digest},
               {"predicted_affinity", explanation.value},
               {"prior_affinity", explanation.prior ? Json(*explanation.prior) : Json()},
               {"affinity_unit", model.affinity_unit},
               {"affinity_direction", std::string(AffinityDirectionName(model.affinity_direction))},
               {"canonical_smiles", explanation.canonical_smiles},
               {"sequence", explanation.sequence},
               {"residues_per_token", explanation.residues_per_token}};
  json["atoms"] = AtomsJson(explanation, detail);
  json["spans"] = SpansJson(explanation, detail);
  json["residues"] = ResiduesJson(explanation);
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

absl::StatusOr<std::string> ExplanationSvg(const Explanation& explanation, bool atom_indices) {
  std::vector<double> weights;
  for (const AtomExplanation& atom : explanation.atoms) weights.push_back(atom.importance);
  DrawingOptions options;
  options.title = "importance (weight in the pool)";
  options.atom_indices = atom_indices;
  return DrawMolecule(explanation.canonical_smiles, weights, options);
}

std::string ExplanationText(const Explanation& explanation) {
  std::string text;
  if (explanation.prior) {
    absl::StrAppendFormat(&text, "similar molecules and proteins alone say %.4f; with the network it is %.4f\n",
                          *explanation.prior, explanation.value);
  }
  absl::StrAppend(&text, "atoms by importance, of ", explanation.atoms.size(), " in ", explanation.canonical_smiles,
                  " (index from 0):\n");
  for (const AtomExplanation* atom : Top(explanation.atoms)) {
    absl::StrAppendFormat(&text, "  %4d %-2s %8.4f\n", atom->index, atom->element, atom->importance);
  }
  absl::StrAppend(&text, "residues by importance, of ", explanation.sequence.size(), " in ", explanation.spans.size(),
                  " spans (positions from 1):\n");
  for (const SpanExplanation* span : Top(explanation.spans)) {
    const auto first = static_cast<size_t>(span->first_residue - 1);
    const std::string letters = explanation.sequence.substr(first, static_cast<size_t>(span->last_residue) - first);
    absl::StrAppendFormat(&text, "  %5d-%-5d %-16s %8.4f\n", span->first_residue, span->last_residue, letters,
                          span->importance);
  }
  return absl::StrCat(text, kNote, "\n");
}

}  // namespace deepbindnet
