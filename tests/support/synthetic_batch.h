// Small random molecules, proteins and batches for tests of the network.
#ifndef DEEPBINDNET_TESTS_SUPPORT_SYNTHETIC_BATCH_H_
#define DEEPBINDNET_TESTS_SUPPORT_SYNTHETIC_BATCH_H_

#include <random>
#include <vector>

#include "core/chem/environments.h"
#include "core/chem/protein.h"
#include "core/data/batch.h"
#include "core/data/entity_table.h"

namespace deepbindnet {

// A chain of `atoms` atoms with random features, and a ring closure where it is long enough.
inline MolecularGraph RandomGraph(int atoms, std::mt19937* random) {
  MolecularGraph graph;
  const auto draw = [random](int count) { return static_cast<uint8_t>((*random)() % static_cast<uint32_t>(count)); };
  for (int a = 0; a < atoms; ++a) {
    for (const int size : kAtomFeatureSizes) graph.atom_features.push_back(draw(size));
  }
  const auto bond = [&](int from, int to) {
    graph.bond_atoms.insert(graph.bond_atoms.end(), {from, to});
    for (const int size : kBondFeatureSizes) graph.bond_features.push_back(draw(size));
  };
  for (int a = 0; a + 1 < atoms; ++a) bond(a, a + 1);
  if (atoms > 3) bond(0, atoms - 1);
  graph.environments = AtomEnvironments(graph);
  return graph;
}

inline std::vector<uint8_t> RandomTokens(int residues, std::mt19937* random) {
  std::vector<uint8_t> tokens;
  for (int r = 0; r < residues; ++r) tokens.push_back(static_cast<uint8_t>(1 + (*random)() % (kResidueVocabulary - 1)));
  return tokens;
}

// Molecules and proteins of the given sizes, and batches of them.
class SyntheticEntities {
 public:
  SyntheticEntities(const std::vector<int>& atoms, const std::vector<int>& residues, uint32_t seed = 7) {
    std::mt19937 random(seed);
    for (const int count : atoms) graphs.push_back(RandomGraph(count, &random));
    for (const int count : residues) tokens.push_back(RandomTokens(count, &random));
  }
  std::vector<const MolecularGraph*> Graphs() const {
    std::vector<const MolecularGraph*> pointers;
    for (const auto& graph : graphs) pointers.push_back(&graph);
    return pointers;
  }
  std::vector<const std::vector<uint8_t>*> Tokens() const {
    std::vector<const std::vector<uint8_t>*> pointers;
    for (const auto& sequence : tokens) pointers.push_back(&sequence);
    return pointers;
  }
  EntityTable Table(int residues_per_token, const torch::Device& device = torch::kCPU) const {
    return EntityTable(Graphs(), Tokens(), residues_per_token, Features(), device);
  }
  PairBatch Batch(const std::vector<PairIndex>& pairs, int residues_per_token = 16) const {
    return Table(residues_per_token).Cut(pairs);
  }

  // Gives each protein a vector of `dimension` values in [-1, 1].
  void GiveFeatures(int dimension, uint32_t seed = 3) {
    std::mt19937 random(seed);
    features.assign(tokens.size(), std::vector<float>(static_cast<size_t>(dimension)));
    for (std::vector<float>& vector : features) {
      for (float& value : vector) value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
    }
  }
  FeatureList Features() const {
    FeatureList pointers;
    for (const auto& vector : features) pointers.push_back(&vector);
    return pointers;
  }

  std::vector<MolecularGraph> graphs;
  std::vector<std::vector<uint8_t>> tokens;
  std::vector<std::vector<float>> features;  // Empty without GiveFeatures().
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_SYNTHETIC_BATCH_H_
