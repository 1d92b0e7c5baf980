#include "core/data/synthetic_rule.h"

#include <cmath>
#include <utility>

namespace deepbindnet {
namespace {

using Texts = std::vector<absl::string_view>;

constexpr double kTwoPi = 6.283185307179586;

}  // namespace

const Texts& SyntheticWarheads() {
  static const auto* warheads = new Texts{
      "[*:4]S(=O)(=O)N",  // Sulfonamide.
      "[*:4]B(O)O",       // Boronic acid.
      "[*:4]C#N",         // Nitrile.
      "[*:4]c1nnn[nH]1",  // Tetrazole.
      "[*:4]P(=O)(O)O",   // Phosphonic acid.
      "[*:4]NC(=O)C=C",   // Acrylamide.
  };
  return *warheads;
}

const Texts& SyntheticMotifs() {
  static const auto* motifs = new Texts{"GHWCKDYF", "PRWMQHEC", "KCYHDWNR", "FMHWPCTK", "DYCWRHGQ", "NWKMCHFE"};
  return *motifs;
}

const Texts& SyntheticCores() {
  static const auto* cores = new Texts{
      "c1([*:1])cc([*:2])cc([*:3])c1",
      "c1([*:1])ccc([*:2])c([*:3])c1",
      "n1c([*:1])cc([*:2])cc1[*:3]",
      "n1c([*:1])nc([*:2])cc1[*:3]",
      "c1([*:1])ccc2[nH]c([*:2])c([*:3])c2c1",
      "c1([*:1])ccc2nc([*:2])cc([*:3])c2c1",
      "c1([*:1])ccc2nc([*:2])nc([*:3])c2c1",
      "c1([*:1])ccc2cc([*:2])c([*:3])cc2c1",
      "c1([*:1])cc2[nH]c([*:2])nc2c([*:3])c1",
      "o1c([*:1])cc([*:2])c1[*:3]",
      "c1([*:1])ccc(-c2cc([*:2])cc([*:3])c2)cc1",
      "C1([*:1])CCC([*:2])C([*:3])C1",
      "C1([*:1])CCN(c2ccc([*:2])c([*:3])c2)CC1",
      "n1n(C)c([*:2])c([*:3])c1[*:1]",
      "c1([*:1])ccc(Oc2ccc([*:2])c([*:3])c2)cc1",
      "c1([*:1])ccc(C(=O)Nc2cc([*:2])cc([*:3])c2)cc1",
  };
  return *cores;
}

const Texts& SyntheticLinkers() {
  static const auto* linkers = new Texts{"", "[*:1]C[*:4]", "[*:1]CC[*:4]", "[*:1]OCC[*:4]", "[*:1]NCC[*:4]"};
  return *linkers;
}

const Texts& SyntheticDecorations() {
  static const auto* decorations =
      new Texts{"C",  "CC",    "C(C)C",    "C1CC1",   "OC",    "OCC",      "O",        "F",
                "Cl", "N(C)C", "N1CCOCC1", "N1CCCC1", "C(F)F", "c1ccccc1", "c1ccncc1", "NC(C)=O"};
  return *decorations;
}

double SyntheticInteraction(int warhead, int motif) {
  const auto kinds = static_cast<double>(SyntheticWarheads().size());
  return kSyntheticInteractionSd * std::sqrt(2.0) * std::cos(kTwoPi * (warhead - motif) / kinds);
}

double SyntheticCoreEffect(size_t core) {
  constexpr double kLargest = 0.15;
  return kLargest * std::cos(kTwoPi * static_cast<double>(core) / static_cast<double>(SyntheticCores().size()));
}

char SyntheticResidue(double uniform) {
  // Percent, rounded; they add up to 100.
  static const auto* frequencies = new std::vector<std::pair<char, double>>{
      {'A', 8.3}, {'R', 5.5}, {'N', 4.1}, {'D', 5.5}, {'C', 1.4}, {'Q', 3.9}, {'E', 6.7},
      {'G', 7.1}, {'H', 2.3}, {'I', 5.9}, {'L', 9.7}, {'K', 5.8}, {'M', 2.4}, {'F', 3.9},
      {'P', 4.7}, {'S', 6.6}, {'T', 5.4}, {'W', 1.1}, {'Y', 2.9}, {'V', 6.8}};
  double left = 100.0 * uniform;
  for (const auto& [residue, percent] : *frequencies) {
    if (left < percent) return residue;
    left -= percent;
  }
  return 'V';
}

}  // namespace deepbindnet
