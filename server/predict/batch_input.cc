#include "server/predict/batch_input.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

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

int BatchInput::InternTarget(const PredictionInput& input, int target, std::vector<int>* known) {
  if ((*known)[target] >= 0) return (*known)[target];
  const std::vector<float> features = input.features.empty() ? std::vector<float>() : input.features[target];
  // The vector's size stands first, so that no two proteins share a key, whatever bytes a text has.
  std::string key = absl::StrCat(features.size(), " ");
  key.append(reinterpret_cast<const char*>(features.data()), features.size() * sizeof(float));
  key.append(input.sequences[target]);
  const auto [entry, is_new] = targets_.emplace(std::move(key), static_cast<int>(merged_.sequences.size()));
  if (is_new) {
    merged_.sequences.push_back(input.sequences[target]);
    merged_.features.push_back(features);
  }
  return (*known)[target] = entry->second;
}

void BatchInput::Add(const PredictionInput& input, size_t begin, size_t end) {
  std::vector<int> known_drugs(input.smiles.size(), -1);
  std::vector<int> known_targets(input.sequences.size(), -1);
  for (size_t i = begin; i < end; ++i) {
    const PredictionInput::Pair& pair = input.pairs[i];
    merged_.pairs.push_back({Intern(input.smiles, pair.drug, &known_drugs, &drugs_, &merged_.smiles),
                             InternTarget(input, pair.target, &known_targets)});
  }
}

}  // namespace deepbindnet
