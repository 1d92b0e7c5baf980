#include "core/chem/molecule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

namespace deepbindnet {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum AtomColumn { kElement, kDegree, kCharge, kHydrogens, kAromatic, kHybridisation, kRing, kChirality };
enum BondColumn { kOrder, kConjugated, kBondRing, kStereo };

MolecularGraph Graph(const std::string& smiles) { return ParseSmiles(smiles).value().graph; }

int Atom(const MolecularGraph& graph, int atom, AtomColumn column) {
  return graph.atom_features[static_cast<size_t>(atom * kAtomFeatures + column)];
}

int Bond(const MolecularGraph& graph, int bond, BondColumn column) {
  return graph.bond_features[static_cast<size_t>(bond * kBondFeatures + column)];
}

// Values of one column over all atoms, in order.
std::vector<int> AtomColumnOf(const MolecularGraph& graph, AtomColumn column) {
  std::vector<int> values;
  for (int i = 0; i < graph.atoms(); ++i) values.push_back(Atom(graph, i, column));
  return values;
}

void ExpectEqual(const MolecularGraph& a, const MolecularGraph& b) {
  EXPECT_EQ(a.atom_features, b.atom_features);
  EXPECT_EQ(a.bond_atoms, b.bond_atoms);
  EXPECT_EQ(a.bond_features, b.bond_features);
  EXPECT_EQ(a.environments, b.environments);
}

void ExpectInvalid(absl::string_view smiles, const std::string& part_of_message) {
  const absl::Status status = ParseSmiles(smiles).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << smiles;
  EXPECT_EQ(GetReason(status), "INVALID_SMILES");
  EXPECT_THAT(std::string(status.message()), HasSubstr(part_of_message));
}

TEST(ParseSmilesTest, EthanolHasThreeHeavyAtoms) {
  const Molecule ethanol = ParseSmiles("OCC").value();
  EXPECT_EQ(ethanol.canonical_smiles, "CCO");
  EXPECT_EQ(ethanol.graph.atoms(), 3);
  EXPECT_EQ(ethanol.graph.bonds(), 2);
  EXPECT_THAT(ethanol.graph.bond_atoms, ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(AtomColumnOf(ethanol.graph, kElement), ElementsAre(3, 3, 5));
  EXPECT_THAT(AtomColumnOf(ethanol.graph, kDegree), ElementsAre(1, 2, 1));
  EXPECT_THAT(AtomColumnOf(ethanol.graph, kHydrogens), ElementsAre(3, 2, 1));
  EXPECT_THAT(AtomColumnOf(ethanol.graph, kCharge), ElementsAre(3, 3, 3));
  EXPECT_THAT(AtomColumnOf(ethanol.graph, kHybridisation), ElementsAre(3, 3, 3));
}

TEST(ParseSmilesTest, EveryWritingOfAMoleculeGivesTheSameGraph) {
  const std::vector<std::string> caffeine = {"CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
                                             "O=C1N(C)C(=O)N(C)c2ncn(C)c12", "  CN1C=NC2=C1C(=O)N(C(=O)N2C)C\n"};
  const Molecule first = ParseSmiles(caffeine.front()).value();
  for (const std::string& smiles : caffeine) {
    const Molecule molecule = ParseSmiles(smiles).value();
    EXPECT_EQ(molecule.canonical_smiles, first.canonical_smiles) << smiles;
    ExpectEqual(molecule.graph, first.graph);
  }
  ExpectEqual(Graph(first.canonical_smiles), first.graph);
}

TEST(ParseSmilesTest, AtomMapNumbersAreLeftOut) {
  EXPECT_EQ(ParseSmiles("[CH3:1][OH:2]").value().canonical_smiles, "CO");
  EXPECT_EQ(ParseSmiles("[13CH3:12]O[CH3:0]").value().canonical_smiles,
            ParseSmiles("[13CH3]OC").value().canonical_smiles);
  ExpectInvalid("[CH3:]O", "cannot be read");
  ExpectInvalid("C:1]O", "cannot be read");
  ExpectInvalid("[C:3:2]O", "cannot be read");
}

TEST(ParseSmilesTest, AtomMapNumbersMakeNoStereo) {
  const Molecule propanol = ParseSmiles("CC(C)O").value();
  for (const std::string smiles :
       {"[CH3:1][C@H]([CH3:2])O", "[CH3:1][C@@H]([CH3:2])O", "[CH3:1][C@H:3]([CH3:2])[OH:4]"}) {
    const Molecule mapped = ParseSmiles(smiles).value();
    EXPECT_EQ(mapped.canonical_smiles, propanol.canonical_smiles) << smiles;
    ExpectEqual(mapped.graph, propanol.graph);
  }
  EXPECT_EQ(ParseSmiles("[CH3:1]/C([CH3:2])=C/F").value().canonical_smiles, "CC(C)=CF");
  EXPECT_EQ(ParseSmiles("[CH3:1][C@H:2]([NH2:3])C(=O)O").value().canonical_smiles,
            ParseSmiles("C[C@H](N)C(=O)O").value().canonical_smiles);
}

TEST(ParseSmilesTest, AromaticRingsAreMarked) {
  const MolecularGraph phenol = Graph("Oc1ccccc1");
  EXPECT_THAT(AtomColumnOf(phenol, kAromatic), ElementsAre(0, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(AtomColumnOf(phenol, kRing), ElementsAre(0, 1, 1, 1, 1, 1, 1));
  EXPECT_EQ(Bond(phenol, 0, kBondRing), 0);
  EXPECT_EQ(Bond(phenol, 1, kBondRing), 1);
  EXPECT_EQ(Bond(phenol, 1, kOrder), 3);
  EXPECT_EQ(Bond(phenol, 1, kConjugated), 1);
}

TEST(ParseSmilesTest, BondOrdersAreTold) {
  EXPECT_EQ(Bond(Graph("CC"), 0, kOrder), 0);
  EXPECT_EQ(Bond(Graph("C=C"), 0, kOrder), 1);
  EXPECT_EQ(Bond(Graph("C#N"), 0, kOrder), 2);
  EXPECT_EQ(Bond(Graph("[NH3]->[Fe]"), 0, kOrder), 4);
  EXPECT_EQ(Bond(Graph("[Re]$[Re]"), 0, kOrder), 5);
}

TEST(ParseSmilesTest, ConjugationIsMarked) {
  EXPECT_EQ(Bond(Graph("C=CC=C"), 1, kConjugated), 1);
  EXPECT_EQ(Bond(Graph("CCCC"), 1, kConjugated), 0);
}

TEST(ParseSmilesTest, HybridisationIsTold) {
  EXPECT_EQ(Atom(Graph("C#C"), 0, kHybridisation), 1);
  EXPECT_EQ(Atom(Graph("C=C"), 0, kHybridisation), 2);
  EXPECT_EQ(Atom(Graph("C"), 0, kHybridisation), 3);
}

TEST(ParseSmilesTest, EnantiomersDifferInChiralityAlone) {
  const MolecularGraph l_alanine = Graph("C[C@H](N)C(=O)O");
  const MolecularGraph d_alanine = Graph("C[C@@H](N)C(=O)O");
  const MolecularGraph flat = Graph("CC(N)C(=O)O");
  EXPECT_EQ(Atom(l_alanine, 1, kChirality) + Atom(d_alanine, 1, kChirality), 1 + 2);
  EXPECT_NE(Atom(l_alanine, 1, kChirality), Atom(d_alanine, 1, kChirality));
  EXPECT_THAT(AtomColumnOf(flat, kChirality), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_EQ(l_alanine.bond_features, d_alanine.bond_features);
}

TEST(ParseSmilesTest, CipLabelsDoNotDependOnHowTheMoleculeIsWritten) {
  // (S)-alanine, natural, written from three ends.
  for (const std::string smiles : {"C[C@H](N)C(=O)O", "N[C@@H](C)C(=O)O", "OC(=O)[C@@H](N)C"}) {
    const MolecularGraph graph = Graph(smiles);
    EXPECT_EQ(Atom(graph, 1, kChirality), 2) << smiles;
  }
}

TEST(ParseSmilesTest, DoubleBondStereoIsTold) {
  const auto stereo = [](const std::string& smiles) {
    const MolecularGraph graph = Graph(smiles);
    for (int i = 0; i < graph.bonds(); ++i) {
      if (Bond(graph, i, kOrder) == 1) return Bond(graph, i, kStereo);
    }
    return -1;
  };
  EXPECT_EQ(stereo("F/C=C\\F"), 2);
  EXPECT_EQ(stereo("F/C=C/F"), 3);
  EXPECT_THAT(stereo("FC=CF"), AnyOf(0, 1));
}

TEST(ParseSmilesTest, ChargesAreShiftedAndLargeOnesAreOther) {
  EXPECT_EQ(Atom(Graph("[Na+]"), 0, kCharge), 4);
  EXPECT_EQ(Atom(Graph("[O-]C"), 1, kCharge), 2);
  EXPECT_EQ(Atom(Graph("[Fe+3]"), 0, kCharge), 6);
  EXPECT_EQ(Atom(Graph("[Zr+4]"), 0, kCharge), 7);
  EXPECT_EQ(Atom(Graph("[Si-4]"), 0, kCharge), 7);
}

TEST(ParseSmilesTest, MetalsAreElementsOfTheirOwnAndTheRestAreOther) {
  EXPECT_NE(Atom(Graph("[Fe]"), 0, kElement), Atom(Graph("[Zn]"), 0, kElement));
  EXPECT_EQ(Atom(Graph("[Hg]"), 0, kElement), 46);
  EXPECT_EQ(Atom(Graph("[U]"), 0, kElement), 47);
  EXPECT_EQ(Atom(Graph("[He]"), 0, kElement), 47);
  EXPECT_TRUE(ParseSmiles("N[Pt](N)(Cl)Cl").ok());
}

TEST(ParseSmilesTest, HydrogensAreCountedNotKept) {
  EXPECT_EQ(ParseSmiles("[H]C([H])([H])[H]").value().canonical_smiles, "C");
  EXPECT_EQ(Atom(Graph("[H]C([H])([H])[H]"), 0, kHydrogens), 4);
  EXPECT_EQ(Graph("[H][H]").atoms(), 2);
}

TEST(ParseSmilesTest, HydrogenIsotopesAreAtoms) {
  const MolecularGraph methanol = Graph("[2H]OC([2H])([2H])[2H]");
  EXPECT_EQ(methanol.atoms(), 6);
  const std::vector<int> elements = AtomColumnOf(methanol, kElement);
  EXPECT_EQ(std::count(elements.begin(), elements.end(), 0), 4) << "the category of hydrogen";
  EXPECT_EQ(Graph("[H+]").atoms(), 1);
}

TEST(ParseSmilesTest, IsotopesOfHeavyAtomsMakeAnotherMoleculeOfTheSameGraph) {
  const Molecule labelled = ParseSmiles("[13CH3]O").value(), plain = ParseSmiles("CO").value();
  EXPECT_NE(labelled.canonical_smiles, plain.canonical_smiles);
  ExpectEqual(labelled.graph, plain.graph);
}

TEST(ParseSmilesTest, WildcardsAreRefused) {
  for (const std::string smiles : {"*", "*C", "C[*:1]", "[13*]CC", "c1ccccc1-*", "[*-]"}) {
    ExpectInvalid(smiles, "has a wildcard '*', which is no atom; give a whole molecule");
  }
}

TEST(ParseSmilesTest, SeveralFragmentsAreOneGraph) {
  const Molecule salt = ParseSmiles("CC(=O)[O-].[Na+]").value();
  EXPECT_EQ(salt.graph.atoms(), 5);
  EXPECT_EQ(salt.graph.bonds(), 3);
  EXPECT_EQ(salt.canonical_smiles, ParseSmiles("[Na+].[O-]C(C)=O").value().canonical_smiles);
}

TEST(ParseSmilesTest, TheCanonicalSmilesOfACanonicalSmilesIsItself) {
  // RDKit writes the second one differently when it has read what it wrote.
  for (const std::string smiles : {"OC(=O)c1ccccc1OC(C)=O", "C1CC2CCC1CCN~CCCNC~C2CC"}) {
    const std::string canonical = ParseSmiles(smiles).value().canonical_smiles;
    EXPECT_EQ(ParseSmiles(canonical).value().canonical_smiles, canonical);
  }
}

TEST(ParseSmilesTest, OneAtomHasNoBonds) {
  const MolecularGraph methane = Graph("C");
  EXPECT_EQ(methane.atoms(), 1);
  EXPECT_EQ(methane.bonds(), 0);
  EXPECT_TRUE(methane.bond_atoms.empty());
}

TEST(ParseSmilesTest, EveryFeatureIsInItsRange) {
  for (const std::string smiles :
       {"CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "[U+4]", "FS(F)(F)(F)(F)F", "[Xe](F)(F)(F)F", "F/C=C/F", "C[C@H](N)C(=O)O",
        "[NH3]->[Fe]", "N[Co](N)(N)(N)(N)N", "[CH5+]", "[2H]C"}) {
    const MolecularGraph graph = Graph(smiles);
    ASSERT_GT(graph.atoms(), 0);
    ASSERT_EQ(graph.atom_features.size() % kAtomFeatures, 0u);
    for (size_t i = 0; i < graph.atom_features.size(); ++i) {
      EXPECT_LT(graph.atom_features[i], kAtomFeatureSizes[i % kAtomFeatures]) << smiles << " value " << i;
    }
    for (size_t i = 0; i < graph.bond_features.size(); ++i) {
      EXPECT_LT(graph.bond_features[i], kBondFeatureSizes[i % kBondFeatures]) << smiles << " value " << i;
    }
    EXPECT_EQ(graph.bond_atoms.size(), 2u * static_cast<size_t>(graph.bonds()));
    for (const int32_t atom : graph.bond_atoms) {
      EXPECT_GE(atom, 0);
      EXPECT_LT(atom, graph.atoms());
    }
  }
}

TEST(ParseSmilesTest, ErrorsQuoteTheTextAndSayWhatIsWrong) {
  ExpectInvalid("", "empty");
  ExpectInvalid("  ", "empty");
  ExpectInvalid("notasmiles", "'notasmiles'");
  ExpectInvalid("C1CC", "unclosed ring");
  ExpectInvalid("C(C", "branch");
  ExpectInvalid("CC(C)(C)(C)C", "valence");
  ExpectInvalid("CN(C)(C)C", "or give the charge, as in [N+]");
  ExpectInvalid("c1cccc1", "kekulize");
  ExpectInvalid("C1CC2CCC1C[Fe]->[Fe]C2", "no canonical form that RDKit repeats; write bonds to metals as single ones");
  ExpectInvalid("c1cncn1", "give an aromatic atom its hydrogen, as in [nH]");
  ExpectInvalid("CCO ethanol", "without spaces");
  ExpectInvalid("CCO |c:1|", "without spaces");
  ExpectInvalid("C\xC3\xA9", "printable ASCII");
  ExpectInvalid(absl::string_view("C\0C", 3), "\\000");
}

TEST(ParseSmilesTest, LongTextIsQuotedShortened) {
  const std::string smiles = std::string(300, 'C') + "(";
  const absl::Status status = ParseSmiles(smiles).status();
  EXPECT_LT(status.message().size(), 250u);
  EXPECT_THAT(std::string(status.message()), HasSubstr("..."));
}

TEST(ParseSmilesTest, LimitsOfLengthAndAtomsAreExact) {
  EXPECT_TRUE(ParseSmiles(std::string(kMaxAtoms, 'C')).ok());
  ExpectInvalid(std::string(kMaxAtoms + 1, 'C'), "1001 atoms; at most 1000");
  // Hydrogens written out make the text long and the molecule small.
  std::string longest = "C";
  while (longest.size() + 5 <= kMaxSmilesLength) longest += "[CH2]";
  longest.append(kMaxSmilesLength - longest.size(), 'C');
  EXPECT_TRUE(ParseSmiles(longest).ok());
  ExpectInvalid(longest + "C", "4097 characters; at most 4096");
}

TEST(ParseSmilesTest, RdkitStaysSilent) {
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  EXPECT_FALSE(ParseSmiles("C1CC").ok());
  EXPECT_FALSE(ParseSmiles("CC(C)(C)(C)C").ok());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ParseSmilesTest, ThreadsMayParseAtOnce) {
  const std::string aspirin = "CC(=O)Oc1ccccc1C(=O)O";
  const Molecule expected = ParseSmiles(aspirin).value();
  std::array<int, 4> agreed{};
  std::vector<std::thread> threads;
  for (int& count : agreed) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        const auto molecule = ParseSmiles(aspirin);
        count += molecule.ok() && molecule->graph.atom_features == expected.graph.atom_features;
        count += !ParseSmiles("C1CC").ok();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(agreed, ElementsAre(200, 200, 200, 200));
}

TEST(AtomSymbolsTest, StandInTheOrderOfTheGraph) {
  const Molecule molecule = ParseSmiles("Cl.OC(=O)c1cccc(C)c1[Na]").value();
  const std::vector<std::string> symbols = AtomSymbols(molecule.canonical_smiles).value();
  ASSERT_EQ(symbols.size(), static_cast<size_t>(molecule.graph.atoms()));
  const std::vector<int> elements = AtomColumnOf(molecule.graph, kElement);
  for (size_t i = 0; i < symbols.size(); ++i) {
    const int expected = symbols[i] == "C"    ? 3
                         : symbols[i] == "O"  ? 5
                         : symbols[i] == "Na" ? 7
                         : symbols[i] == "Cl" ? 13
                                              : -1;
    EXPECT_EQ(elements[i], expected) << symbols[i];
  }
  EXPECT_THAT(AtomSymbols("[Pt]CCl").value(), ElementsAre("Pt", "C", "Cl"));
}

TEST(AtomSymbolsTest, TextThatIsNoMoleculeIsAnError) {
  const absl::Status status = AtomSymbols("C1CC").status();
  EXPECT_EQ(GetReason(status), "INVALID_SMILES");
  EXPECT_THAT(std::string(status.message()), HasSubstr("C1CC"));
}

// A model has learned a row for each of these codes: where one changes, its checkpoint means something else.
TEST(ParseSmilesTest, EnvironmentsStayWhatTheyWere) {
  EXPECT_THAT(Graph("C").environments, ElementsAre(2027, 2027, 2027));
  EXPECT_THAT(Graph("CCO").environments, ElementsAre(1296, 146, 1252, 1354, 1989, 528, 267, 1923, 205));
  EXPECT_THAT(Graph("c1ccccc1").environments, ElementsAre(159, 1421, 1357, 159, 1421, 1357, 159, 1421, 1357, 159, 1421,
                                                          1357, 159, 1421, 1357, 159, 1421, 1357));
  EXPECT_THAT(Graph("C[C@H](N)C(=O)[O-]").environments, ElementsAre(220, 1646, 282, 1944, 729, 1170, 883, 244, 875, 975,
                                                                    260, 195, 1821, 583, 819, 703, 493, 1902));
}

}  // namespace
}  // namespace deepbindnet
