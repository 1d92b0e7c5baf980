#include "server/predict/batch_input.h"

#include <vector>

namespace deepbindnet {
namespace {

// The index of text number `i` of one input in `merged`. `known` spares a look-up by the full text for every pair.
int Intern(const std::vector<std::string>& texts, int i, std::vector<int>* known,
           std::unordered_map<std::string, int>* indices, std::vector<std::string>* merged) {
  if ((*known)[i] >= 0) return (*known)[i];
  const auto [entry, is_new] = indices->emplace(texts[i], static_cast<int>(merged->size()));
  if (is_new) merged->push_back(texts[i]);
  (*known)[i] = entry->second;
  return entry->second;
}

}  // namespace

void BatchInput::Add(const PredictionInput& input, size_t begin, size_t end) {
  std::vector<int> known_drugs(input.smiles.size(), -1);
  std::vector<int> known_targets(input.sequences.size(), -1);
  for (size_t i = begin; i < end; ++i) {
    const PredictionInput::Pair& pair = input.pairs[i];
    merged_.pairs.push_back({Intern(input.smiles, pair.drug, &known_drugs, &drugs_, &merged_.smiles),
                             Intern(input.sequences, pair.target, &known_targets, &targets_, &merged_.sequences)});
  }
}

}  // namespace deepbindnet
