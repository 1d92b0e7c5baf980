#include "core/chem/environments.h"

#include <algorithm>
#include <utility>

namespace deepbindnet {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of `x`.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

uint64_t Combine(uint64_t hash, uint64_t value) { return Mix(hash + 0x9e3779b97f4a7c15ULL + value); }

struct Neighbor {
  int32_t atom = 0;
  uint64_t bond = 0;
};

std::vector<std::vector<Neighbor>> Neighbors(const MolecularGraph& graph) {
  std::vector<std::vector<Neighbor>> neighbors(graph.atoms());
  for (int b = 0; b < graph.bonds(); ++b) {
    uint64_t bond = 0;
    for (int c = 0; c < kBondFeatures; ++c) bond = Combine(bond, graph.bond_features[b * kBondFeatures + c]);
    const int32_t first = graph.bond_atoms[2 * b], second = graph.bond_atoms[2 * b + 1];
    neighbors[first].push_back({second, bond});
    neighbors[second].push_back({first, bond});
  }
  return neighbors;
}

}  // namespace

std::vector<uint16_t> AtomEnvironments(const MolecularGraph& graph) {
  const int atoms = graph.atoms();
  std::vector<uint64_t> hashes(atoms, 0), wider(atoms);
  for (int a = 0; a < atoms; ++a) {
    for (int c = 0; c < kAtomFeatures; ++c) {
      hashes[a] = Combine(hashes[a], graph.atom_features[a * kAtomFeatures + c]);
    }
  }
  const auto neighbors = Neighbors(graph);
  std::vector<uint16_t> codes(static_cast<size_t>(atoms) * kEnvironmentRadii);
  std::vector<uint64_t> around;
  for (int r = 0; r < kEnvironmentRadii; ++r) {
    for (int a = 0; a < atoms; ++a) {
      around.clear();
      for (const Neighbor& neighbor : neighbors[a]) around.push_back(Combine(neighbor.bond, hashes[neighbor.atom]));
      std::sort(around.begin(), around.end());
      wider[a] = hashes[a];
      for (const uint64_t hash : around) wider[a] = Combine(wider[a], hash);
      codes[a * kEnvironmentRadii + r] = static_cast<uint16_t>(wider[a] % kEnvironmentCodes);
    }
    std::swap(hashes, wider);
  }
  return codes;
}

}  // namespace deepbindnet
