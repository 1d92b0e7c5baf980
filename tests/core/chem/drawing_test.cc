#include "core/chem/drawing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/chem/molecule.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A kinase inhibitor of 39 atoms, as large as most of KIBA's.
constexpr char kPonatinib[] = "CN1CCN(CC1)Cc1ccc(cc1C(F)(F)F)NC(=O)c1ccc(C)c(c1)C#Cc1cnc2cccnn12";

std::string Draw(const std::string& smiles, const std::vector<double>& weights, const DrawingOptions& options = {}) {
  const auto molecule = ParseSmiles(smiles);
  EXPECT_THAT(molecule, IsOk());
  const auto svg = DrawMolecule(molecule->canonical_smiles, weights, options);
  EXPECT_THAT(svg, IsOk());
  return svg.ok() ? *svg : "";
}

std::vector<double> Equal(size_t atoms) { return std::vector<double>(atoms, 1.0 / static_cast<double>(atoms)); }

// Names of the elements that are open at each point; true where each is closed in its turn.
bool IsWellFormed(const std::string& svg) {
  static const std::regex tag(R"(<(/?)([A-Za-z]+)(?:\s+[A-Za-z:-]+='[^'<]*')*\s*(/?)>)");
  std::string text = std::regex_replace(svg, std::regex(R"(<\?xml [^>]*\?>|<!--[^-]*-->)"), "");
  std::vector<std::string> open;
  std::string rest;
  size_t end = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), tag), none; match != none; ++match) {
    rest += text.substr(end, static_cast<size_t>(match->position()) - end);
    end = static_cast<size_t>(match->position() + match->length());
    const std::string name = (*match)[2];
    if ((*match)[1].length() > 0) {
      if (open.empty() || open.back() != name) return false;
      open.pop_back();
    } else if ((*match)[3].length() == 0) {
      open.push_back(name);
    }
  }
  rest += text.substr(end);
  return open.empty() && rest.find_first_of("<>") == std::string::npos;
}

// The disc's colour of each atom, "#RRGGBB".
std::vector<std::string> Discs(const std::string& svg) {
  static const std::regex disc(R"(<ellipse [^>]*class='atom-(\d+)'[^>]*style='fill:(#[0-9A-F]{6}))");
  std::vector<std::string> colours;
  for (std::sregex_iterator match(svg.begin(), svg.end(), disc), none; match != none; ++match) {
    const auto atom = static_cast<size_t>(std::stoi((*match)[1]));
    if (colours.size() <= atom) colours.resize(atom + 1);
    colours[atom] = (*match)[2];
  }
  return colours;
}

double Lightness(const std::string& colour) {  // Relative luminance, as WCAG has it.
  const auto channel = [&](size_t at) {
    const double value = std::stoi(colour.substr(at, 2), nullptr, 16) / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

TEST(DrawMoleculeTest, EveryKindOfMoleculeIsAWholeDocument) {
  for (const char* const smiles :
       {"C", "[Na+]", "CC(=O)Oc1ccccc1C(=O)O", kPonatinib, "CC(C)NCC(O)COc1cccc2ccccc12.Cl.[Na+].[Cl-]",
        "C[C@H](N)[C@@H]1CC[C@@H]2CCCC[C@H]2C1", "F/C=C/F", "[13CH4]", "N~O"}) {
    const size_t atoms = static_cast<size_t>(ParseSmiles(smiles)->graph.atoms());
    const std::string svg = Draw(smiles, Equal(atoms));
    EXPECT_TRUE(IsWellFormed(svg)) << smiles << "\n" << svg;
    EXPECT_EQ(Discs(svg).size(), atoms) << smiles << ": no atom is added, none is left out";
    EXPECT_THAT(svg, Not(HasSubstr("<script"))) << smiles;
    EXPECT_THAT(svg, Not(HasSubstr("href"))) << smiles << ": needs another file";
  }
}

TEST(DrawMoleculeTest, ColoursFollowTheGraphsAtoms) {
  // Written otherwise than the canonical form, CC(=O)Oc1ccccc1C(=O)O.
  const Molecule aspirin = *ParseSmiles("OC(=O)c1ccccc1OC(C)=O");
  const std::vector<std::string> symbols = *AtomSymbols(aspirin.canonical_smiles);
  for (size_t marked = 0; marked < symbols.size(); ++marked) {
    std::vector<double> weights(symbols.size(), 0.0);
    weights[marked] = 0.5;
    const std::vector<std::string> discs = Discs(*DrawMolecule(aspirin.canonical_smiles, weights));
    ASSERT_EQ(discs.size(), symbols.size());
    for (size_t atom = 0; atom < discs.size(); ++atom) {
      EXPECT_EQ(discs[atom], atom == marked ? "#D95F0E" : "#FFFFD4") << atom << " of " << marked;
    }
  }
}

TEST(DrawMoleculeTest, DarkerMeansMoreAndBlackTextStaysLegible) {
  std::vector<double> weights;
  for (int i = 0; i < 50; ++i) weights.push_back(i / 49.0);
  const std::vector<std::string> discs = Discs(Draw(std::string(50, 'C'), weights));
  ASSERT_EQ(discs.size(), 50U);
  for (size_t i = 1; i < discs.size(); ++i) EXPECT_LT(Lightness(discs[i]), Lightness(discs[i - 1])) << i;
  EXPECT_GT((Lightness(discs.back()) + 0.05) / 0.05, 4.5) << "contrast with black";
}

TEST(DrawMoleculeTest, LegendHasTheRangeAndTheTitle) {
  DrawingOptions options;
  options.title = "weight < 1 & more";
  const std::string svg = Draw("CCO", {0.1, 0.25, 0.0}, options);
  EXPECT_THAT(svg, HasSubstr(">0</text>"));
  EXPECT_THAT(svg, HasSubstr(">0.25</text>"));
  EXPECT_THAT(svg, HasSubstr(">weight &lt; 1 &amp; more</text>"));
  EXPECT_THAT(svg, HasSubstr("class='scale'"));
}

TEST(DrawMoleculeTest, WeightsThatAreAllZeroArePale) {
  for (const std::string& disc : Discs(Draw("CCO", {0, 0, 0}))) EXPECT_EQ(disc, "#FFFFD4");
}

TEST(DrawMoleculeTest, AtomIndicesAreDrawnOnDemand) {
  DrawingOptions options;
  EXPECT_THAT(Draw("CCO", Equal(3), options), Not(HasSubstr("class='note'")));
  options.atom_indices = true;
  const std::string svg = Draw("CCO", Equal(3), options);
  EXPECT_THAT(svg, HasSubstr("class='note'"));
  EXPECT_TRUE(IsWellFormed(svg));
}

TEST(DrawMoleculeTest, EqualInputGivesEqualBytes) {
  const std::vector<double> weights = Equal(39);
  EXPECT_EQ(Draw(kPonatinib, weights), Draw(kPonatinib, weights));
}

TEST(DrawMoleculeTest, LargestMoleculeIsDrawn) {
  EXPECT_EQ(Discs(Draw(std::string(kMaxAtoms, 'C'), Equal(kMaxAtoms))).size(), static_cast<size_t>(kMaxAtoms));
}

TEST(DrawMoleculeTest, WeightsThatDoNotFitAreNamed) {
  EXPECT_THAT(DrawMolecule("CCO", {1, 2}),
              IsError(kInvalid, "INVALID_FIELD", "weights: 2 values do not fit; give one for each of the 3 atoms"));
  EXPECT_THAT(DrawMolecule("CCO", {1, -2, 3}), IsError(kInvalid, "INVALID_FIELD", "weights[1]: -2 cannot be drawn"));
  EXPECT_THAT(DrawMolecule("CCO", {1, 2, std::numeric_limits<double>::quiet_NaN()}),
              IsError(kInvalid, "INVALID_FIELD", "weights[2]: nan"));
  EXPECT_THAT(DrawMolecule("C1CC", {1, 2, 3}), IsError(kInvalid, "INVALID_SMILES", "C1CC"));
}

}  // namespace
}  // namespace deepbindnet
