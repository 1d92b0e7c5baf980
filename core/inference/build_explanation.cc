#include "core/inference/build_explanation.h"

#include <algorithm>
#include <utility>

namespace deepbindnet {
namespace {

// One side of a trace; `tokens` has as many entries as the side has.
template <typename Token>
void FillTokens(const SideTrace& side, std::vector<Token>* tokens) {
  const auto pooling = side.pooling.accessor<float, 1>(), largest = side.largest.accessor<float, 1>();
  for (size_t i = 0; i < tokens->size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    (*tokens)[i].importance = pooling[at];
    (*tokens)[i].largest_share = largest[at];
    for (const LayerTrace& layer : side.layers) {
      const auto received = layer.received.accessor<float, 2>();
      LayerExplanation explanation;
      for (int64_t head = 0; head < received.size(0); ++head) {
        explanation.head_attention.push_back(received[head][at]);
        explanation.attention += received[head][at] / static_cast<double>(received.size(0));
      }
      explanation.gate = layer.gate.accessor<float, 1>()[at];
      (*tokens)[i].layers.push_back(std::move(explanation));
    }
  }
}

}  // namespace

Explanation BuildExplanation(const Molecule& molecule, const std::vector<std::string>& symbols, const Protein& protein,
                             int residues_per_token, const PairTrace& trace) {
  Explanation explanation;
  explanation.canonical_smiles = molecule.canonical_smiles;
  explanation.sequence = protein.sequence;
  explanation.residues_per_token = residues_per_token;
  explanation.atoms.resize(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) {
    explanation.atoms[i].index = static_cast<int>(i);
    explanation.atoms[i].element = symbols[i];
  }
  const auto residues = static_cast<int>(protein.sequence.size());
  for (int first = 1; first <= residues; first += residues_per_token) {
    SpanExplanation& span = explanation.spans.emplace_back();
    span.first_residue = first;
    span.last_residue = std::min(residues, first + residues_per_token - 1);
  }
  FillTokens(trace.drug, &explanation.atoms);
  FillTokens(trace.target, &explanation.spans);
  return explanation;
}

}  // namespace deepbindnet
