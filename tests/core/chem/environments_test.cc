#include "core/chem/environments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace deepbindnet {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Lt;

constexpr int kAtoms = 9;

// A chain of atoms that differ in their first feature, with bonds that differ in their first feature.
MolecularGraph Chain() {
  MolecularGraph graph;
  for (int a = 0; a < kAtoms; ++a) {
    graph.atom_features.insert(graph.atom_features.end(), {static_cast<uint8_t>(1 + a), 2, 3, 2, 0, 3, 0, 0});
  }
  for (int a = 0; a + 1 < kAtoms; ++a) {
    graph.bond_atoms.insert(graph.bond_atoms.end(), {a, a + 1});
    graph.bond_features.insert(graph.bond_features.end(), {static_cast<uint8_t>(a % 3), 0, 0, 0});
  }
  return graph;
}

// A ring of equal atoms and bonds with a tail of `tail` of the same atoms.
MolecularGraph RingWithTail(int tail) {
  constexpr int kRing = 12;
  MolecularGraph graph;
  for (int a = 0; a < kRing + tail; ++a) {
    graph.atom_features.insert(graph.atom_features.end(), {3, 2, 3, 2, 0, 3, 0, 0});
  }
  const auto bond = [&](int a, int b) {
    graph.bond_atoms.insert(graph.bond_atoms.end(), {a, b});
    graph.bond_features.insert(graph.bond_features.end(), {0, 0, 0, 0});
  };
  for (int a = 0; a < kRing; ++a) bond(a, (a + 1) % kRing);
  for (int t = 0; t < tail; ++t) bond(t == 0 ? 0 : kRing + t - 1, kRing + t);
  return graph;
}

uint16_t Code(const std::vector<uint16_t>& codes, int atom, int radius) {
  return codes[static_cast<size_t>(atom * kEnvironmentRadii + radius - 1)];
}

// Whether the codes of an atom differ, by radius from 1.
std::vector<bool> Changed(const MolecularGraph& a, const MolecularGraph& b, int atom) {
  const auto before = AtomEnvironments(a), after = AtomEnvironments(b);
  std::vector<bool> changed;
  for (int r = 1; r <= kEnvironmentRadii; ++r) changed.push_back(Code(before, atom, r) != Code(after, atom, r));
  return changed;
}

// True for the radii of `distance` bonds and more.
std::vector<bool> FromRadius(int distance) {
  std::vector<bool> reached;
  for (int r = 1; r <= kEnvironmentRadii; ++r) reached.push_back(distance <= r);
  return reached;
}

TEST(AtomEnvironmentsTest, HoldsACodeForEveryAtomAndRadius) {
  const auto codes = AtomEnvironments(Chain());
  EXPECT_EQ(codes.size(), static_cast<size_t>(kAtoms * kEnvironmentRadii));
  EXPECT_THAT(codes, Each(Lt(kEnvironmentCodes)));
  EXPECT_TRUE(AtomEnvironments({}).empty());
}

TEST(AtomEnvironmentsTest, OrderOfAtomsAndBondsDoesNotMatter) {
  const MolecularGraph chain = Chain(), ring = RingWithTail(4);
  std::mt19937 random(3);
  for (const MolecularGraph* graph : {&chain, &ring}) {
    const auto codes = AtomEnvironments(*graph);
    std::vector<int> place(graph->atoms()), order(graph->bonds());
    std::iota(place.begin(), place.end(), 0);
    std::iota(order.begin(), order.end(), 0);
    for (int round = 0; round < 5; ++round) {
      std::shuffle(place.begin(), place.end(), random);
      std::shuffle(order.begin(), order.end(), random);
      MolecularGraph shuffled = *graph;
      for (int a = 0; a < graph->atoms(); ++a) {
        std::copy_n(&graph->atom_features[a * kAtomFeatures], kAtomFeatures,
                    &shuffled.atom_features[place[a] * kAtomFeatures]);
      }
      for (int b = 0; b < graph->bonds(); ++b) {
        const int turned = static_cast<int>(random() % 2);  // Either end of a bond may stand first.
        shuffled.bond_atoms[2 * b] = place[graph->bond_atoms[2 * order[b] + turned]];
        shuffled.bond_atoms[2 * b + 1] = place[graph->bond_atoms[2 * order[b] + 1 - turned]];
        std::copy_n(&graph->bond_features[order[b] * kBondFeatures], kBondFeatures,
                    &shuffled.bond_features[b * kBondFeatures]);
      }
      const auto of_shuffled = AtomEnvironments(shuffled);
      for (int a = 0; a < graph->atoms(); ++a) {
        for (int r = 1; r <= kEnvironmentRadii; ++r) EXPECT_EQ(Code(of_shuffled, place[a], r), Code(codes, a, r)) << a;
      }
    }
  }
}

TEST(AtomEnvironmentsTest, AnAtomCountsWithinItsDistanceAndNoNearer) {
  for (int feature = 0; feature < kAtomFeatures; ++feature) {
    MolecularGraph changed = Chain();
    changed.atom_features[4 * kAtomFeatures + feature] ^= 1;
    for (int atom = 0; atom < kAtoms; ++atom) {
      const int distance = std::abs(atom - 4);
      EXPECT_EQ(Changed(Chain(), changed, atom), FromRadius(distance))
          << "feature " << feature << ", " << distance << " bonds away";
    }
  }
}

TEST(AtomEnvironmentsTest, ABondCountsWhereItsFartherEndDoes) {
  for (int feature = 0; feature < kBondFeatures; ++feature) {
    MolecularGraph changed = Chain();
    changed.bond_features[4 * kBondFeatures + feature] ^= 1;  // Of atoms 4 and 5.
    for (int atom = 0; atom < kAtoms; ++atom) {
      const int distance = atom <= 4 ? 5 - atom : atom - 4;
      EXPECT_EQ(Changed(Chain(), changed, atom), FromRadius(distance))
          << "feature " << feature << ", " << distance << " bonds away";
    }
  }
}

TEST(AtomEnvironmentsTest, EqualEnvironmentsHaveEqualCodes) {
  const auto ring = AtomEnvironments(RingWithTail(0));
  for (int a = 1; a < 12; ++a) {
    for (int r = 1; r <= kEnvironmentRadii; ++r) EXPECT_EQ(Code(ring, a, r), Code(ring, 0, r)) << a;
  }
  // The tail at atom 0 is one bond farther from an atom of the ring than atom 0 is.
  const auto tailed = AtomEnvironments(RingWithTail(1));
  for (int a = 0; a < 12; ++a) {
    const int distance = std::min(a, 12 - a);
    for (int r = 1; r <= kEnvironmentRadii; ++r) {
      EXPECT_EQ(Code(tailed, a, r) == Code(ring, a, r), distance + 1 > r) << a << " " << r;
    }
  }
}

TEST(AtomEnvironmentsTest, TwoEqualNeighboursAreNotOne) {  // The tail has one, an atom of the ring has two.
  const auto codes = AtomEnvironments(RingWithTail(1));
  EXPECT_NE(Code(codes, 12, 1), Code(codes, 6, 1));
}

TEST(AtomEnvironmentsTest, RadiiHaveCodesOfTheirOwn) {
  const auto codes = AtomEnvironments(RingWithTail(0));
  for (int r = 1; r < kEnvironmentRadii; ++r) EXPECT_NE(Code(codes, 0, r), Code(codes, 0, r + 1));
}

// A model has learned a row for each of these codes: where one changes, its checkpoint means something else.
TEST(AtomEnvironmentsTest, CodesStayWhatTheyWere) {
  MolecularGraph methanol;
  methanol.atom_features = {3, 1, 3, 3, 0, 3, 0, 0, 5, 1, 3, 1, 0, 3, 0, 0};
  methanol.bond_atoms = {0, 1};
  methanol.bond_features = {0, 0, 0, 0};
  EXPECT_THAT(AtomEnvironments(methanol), ElementsAre(1854, 1145, 1541, 1319, 1952, 202));
  MolecularGraph methane;
  methane.atom_features = {3, 0, 3, 4, 0, 3, 0, 0};
  EXPECT_THAT(AtomEnvironments(methane), ElementsAre(2027, 2027, 2027));
  const auto chain = AtomEnvironments(Chain());
  EXPECT_THAT(std::vector<uint16_t>(chain.begin() + 4 * kEnvironmentRadii, chain.begin() + 6 * kEnvironmentRadii),
              ElementsAre(964, 898, 808, 1611, 66, 1896));
}

}  // namespace
}  // namespace deepbindnet
