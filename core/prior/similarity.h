// How alike two molecules or two proteins are, by the substructures or the peptides that they share. Free of torch.
#ifndef DEEPBINDNET_CORE_PRIOR_SIMILARITY_H_
#define DEEPBINDNET_CORE_PRIOR_SIMILARITY_H_

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/chem/molecular_graph.h"

namespace deepbindnet {

// How much of a feature an entity has.
struct FeatureWeight {
  uint32_t feature = 0;
  float weight = 0;

  friend bool operator==(const FeatureWeight& a, const FeatureWeight& b) {
    return a.feature == b.feature && a.weight == b.weight;
  }
  template <typename H>
  friend H AbslHashValue(H state, const FeatureWeight& weight) {
    return H::combine(std::move(state), weight.feature, weight.weight);
  }
};

// Of one entity: in ascending order of features, each once, with a weight above 0.
using Profile = std::vector<FeatureWeight>;

// How often each atom type and each circular environment (core/chem/environments.h) stands in a molecule.
Profile MoleculeProfile(const MolecularGraph& molecule);

// Of each three and four residues in a row the root of how often they stand in a protein, scaled to a vector of length
// 1. Empty for a protein of less than three residues. Tokens are those of core/chem/protein.h.
Profile ProteinProfile(const std::vector<uint8_t>& tokens);

// Entities to compare others with.
class SimilarityIndex {
 public:
  enum class Measure {
    kTanimoto,  // What two profiles share by what either has: sum of minima / sum of maxima.
    kCosine,    // The product of two vectors of length 1.
  };

  SimilarityIndex(Measure measure, std::vector<Profile> entities);

  // 1 to an equal entity, 0 to one with no feature in common. Shape: similarity [size()].
  void Compare(const Profile& profile, float* similarity) const;

  // The first entity with this profile, -1 where there is none.
  int64_t Find(const Profile& profile) const;

  int64_t size() const { return static_cast<int64_t>(entities_.size()); }
  const std::vector<Profile>& entities() const { return entities_; }

 private:
  const Measure measure_;
  const std::vector<Profile> entities_;
  std::vector<float> totals_;                                     // Sum of each entity's weights.
  absl::flat_hash_map<uint32_t, std::vector<FeatureWeight>> at_;  // By feature: (entity, its weight).
  absl::flat_hash_map<Profile, int64_t> first_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_PRIOR_SIMILARITY_H_
