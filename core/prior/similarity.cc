#include "core/prior/similarity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/chem/protein.h"

namespace deepbindnet {
namespace {

constexpr size_t kShortestPeptide = 3, kLongestPeptide = 4;
constexpr int kResidueBits = 5;
static_assert(kResidueVocabulary <= 1 << kResidueBits);

// Every feature with how often it is listed.
Profile Count(std::vector<uint32_t> features) {
  std::sort(features.begin(), features.end());
  Profile profile;
  for (const uint32_t feature : features) {
    if (profile.empty() || profile.back().feature != feature) profile.push_back({feature, 0});
    ++profile.back().weight;
  }
  return profile;
}

// Distinct for atoms that differ, and above every environment's.
uint32_t AtomType(const uint8_t* features) {
  uint32_t type = 0;
  for (int c = 0; c < kAtomFeatures; ++c) type = type * static_cast<uint32_t>(kAtomFeatureSizes[c]) + features[c];
  return kEnvironmentRadii * kEnvironmentCodes + type;
}

}  // namespace

Profile MoleculeProfile(const MolecularGraph& molecule) {
  std::vector<uint32_t> features;
  for (int atom = 0; atom < molecule.atoms(); ++atom) {
    features.push_back(AtomType(&molecule.atom_features[static_cast<size_t>(atom) * kAtomFeatures]));
  }
  for (size_t i = 0; i < molecule.environments.size(); ++i) {
    features.push_back(static_cast<uint32_t>(i % kEnvironmentRadii) * kEnvironmentCodes + molecule.environments[i]);
  }
  return Count(std::move(features));
}

Profile ProteinProfile(const std::vector<uint8_t>& tokens) {
  std::vector<uint32_t> features;
  for (size_t length = kShortestPeptide; length <= kLongestPeptide; ++length) {
    for (size_t begin = 0; begin + length <= tokens.size(); ++begin) {
      uint32_t peptide = 1;  // So that no shorter one is equal.
      for (size_t i = begin; i < begin + length; ++i) peptide = peptide << kResidueBits | tokens[i];
      features.push_back(peptide);
    }
  }
  const auto total = static_cast<float>(features.size());
  Profile profile = Count(std::move(features));
  for (FeatureWeight& peptide : profile) peptide.weight = std::sqrt(peptide.weight / total);
  return profile;
}

SimilarityIndex::SimilarityIndex(Measure measure, std::vector<Profile> entities)
    : measure_(measure), entities_(std::move(entities)) {
  for (size_t i = 0; i < entities_.size(); ++i) {
    float total = 0;
    for (const FeatureWeight& has : entities_[i]) {
      at_[has.feature].push_back({static_cast<uint32_t>(i), has.weight});
      total += has.weight;
    }
    totals_.push_back(total);
    first_.emplace(entities_[i], static_cast<int64_t>(i));
  }
}

void SimilarityIndex::Compare(const Profile& profile, float* similarity) const {
  std::fill_n(similarity, entities_.size(), 0.0F);
  const bool tanimoto = measure_ == Measure::kTanimoto;
  float total = 0;
  for (const FeatureWeight& has : profile) {
    total += has.weight;
    const auto found = at_.find(has.feature);
    if (found == at_.end()) continue;
    for (const FeatureWeight& other : found->second) {  // Its feature is an entity here.
      similarity[other.feature] += tanimoto ? std::min(has.weight, other.weight) : has.weight * other.weight;
    }
  }
  if (!tanimoto) return;
  for (size_t i = 0; i < entities_.size(); ++i) {
    if (similarity[i] > 0) similarity[i] /= total + totals_[i] - similarity[i];
  }
}

int64_t SimilarityIndex::Find(const Profile& profile) const {
  const auto found = first_.find(profile);
  return found == first_.end() ? -1 : found->second;
}

}  // namespace deepbindnet
