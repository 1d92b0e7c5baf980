#include "core/chem/molecule.h"

#include <GraphMol/RWMol.h>
#include <GraphMol/RingInfo.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/chem/environments.h"
#include "core/chem/rdkit_util.h"

namespace deepbindnet {
namespace {

// Atomic numbers with a category of their own, in order.
constexpr std::array<uint8_t, kAtomFeatureSizes[0] - 1> kElements = {
    1,  3,  5,  6,  7,  8,  9,  11, 12, 13, 14, 15, 16, 17, 19, 20, 22, 23, 24, 25, 26, 27, 28, 29,
    30, 31, 32, 33, 34, 35, 40, 42, 43, 44, 45, 46, 47, 49, 50, 51, 52, 53, 64, 77, 78, 79, 80};

// `value` where it is a category of its own, else the last category of the column.
uint8_t Clamp(int value, int categories) {
  return static_cast<uint8_t>(value >= 0 && value < categories - 1 ? value : categories - 1);
}

uint8_t ElementCategory(int atomic_number) {
  const auto found = std::find(kElements.begin(), kElements.end(), atomic_number);
  return static_cast<uint8_t>(found - kElements.begin());
}

// none, R, S, other. The CIP label, unlike the chiral tag, does not depend on the order of atoms.
uint8_t ChiralityCategory(const RDKit::Atom& atom) {
  if (atom.getChiralTag() == RDKit::Atom::CHI_UNSPECIFIED) return 0;
  std::string label;
  atom.getPropIfPresent(RDKit::common_properties::_CIPCode, label);
  if (label == "R") return 1;
  if (label == "S") return 2;
  return 3;
}

// single, double, triple, aromatic, dative, other.
uint8_t OrderCategory(const RDKit::Bond& bond) {
  switch (bond.getBondType()) {
    case RDKit::Bond::SINGLE:
      return 0;
    case RDKit::Bond::DOUBLE:
      return 1;
    case RDKit::Bond::TRIPLE:
      return 2;
    case RDKit::Bond::AROMATIC:
      return 3;
    case RDKit::Bond::DATIVE:
    case RDKit::Bond::DATIVEONE:
    case RDKit::Bond::DATIVEL:
    case RDKit::Bond::DATIVER:
      return 4;
    default:
      return 5;
  }
}

// none, any, Z, E, other.
uint8_t StereoCategory(const RDKit::Bond& bond) {
  switch (bond.getStereo()) {
    case RDKit::Bond::STEREONONE:
      return 0;
    case RDKit::Bond::STEREOANY:
      return 1;
    case RDKit::Bond::STEREOZ:
      return 2;
    case RDKit::Bond::STEREOE:
      return 3;
    default:
      return 4;
  }
}

void AppendAtom(const RDKit::Atom& atom, const RDKit::RingInfo& rings, MolecularGraph* graph) {
  constexpr int kLargestCharge = 3;
  const std::array<uint8_t, kAtomFeatures> features = {
      ElementCategory(atom.getAtomicNum()),
      Clamp(static_cast<int>(atom.getDegree()), kAtomFeatureSizes[1]),
      Clamp(atom.getFormalCharge() + kLargestCharge, kAtomFeatureSizes[2]),
      Clamp(static_cast<int>(atom.getTotalNumHs()), kAtomFeatureSizes[3]),
      static_cast<uint8_t>(atom.getIsAromatic()),
      Clamp(static_cast<int>(atom.getHybridization()) - RDKit::Atom::S, kAtomFeatureSizes[5]),
      static_cast<uint8_t>(rings.numAtomRings(atom.getIdx()) > 0),
      ChiralityCategory(atom),
  };
  graph->atom_features.insert(graph->atom_features.end(), features.begin(), features.end());
}

void AppendBond(const RDKit::Bond& bond, const RDKit::RingInfo& rings, MolecularGraph* graph) {
  graph->bond_atoms.push_back(static_cast<int32_t>(bond.getBeginAtomIdx()));
  graph->bond_atoms.push_back(static_cast<int32_t>(bond.getEndAtomIdx()));
  const std::array<uint8_t, kBondFeatures> features = {
      OrderCategory(bond),
      static_cast<uint8_t>(bond.getIsConjugated()),
      static_cast<uint8_t>(rings.numBondRings(bond.getIdx()) > 0),
      StereoCategory(bond),
  };
  graph->bond_features.insert(graph->bond_features.end(), features.begin(), features.end());
}

MolecularGraph MakeGraph(const RDKit::ROMol& molecule) {
  MolecularGraph graph;
  const RDKit::RingInfo& rings = *molecule.getRingInfo();
  for (const RDKit::Atom* atom : molecule.atoms()) AppendAtom(*atom, rings, &graph);
  for (const RDKit::Bond* bond : molecule.bonds()) AppendBond(*bond, rings, &graph);
  graph.environments = AtomEnvironments(graph);
  return graph;
}

absl::Status CheckAtoms(absl::string_view smiles, const RDKit::ROMol& molecule) {
  if (molecule.getNumAtoms() == 0) return InvalidSmiles(smiles, "has no atom");
  for (const RDKit::Atom* atom : molecule.atoms()) {
    if (atom->getAtomicNum() != 0) continue;
    return InvalidSmiles(
        smiles, "has a wildcard '*', which is no atom; give a whole molecule, with the real atom or group there");
  }
  if (molecule.getNumAtoms() <= kMaxAtoms) return absl::OkStatus();
  return InvalidSmiles(smiles,
                       absl::StrCat("has ", molecule.getNumAtoms(), " atoms; at most ", kMaxAtoms, " are supported"));
}

// `smiles` without atom maps, the numbers in "[CH3:7]". They name atoms and do not make them different, yet RDKit would
// see stereocentres between alike atoms of different numbers. "[C:3:2]" has none and stays wrong.
std::string WithoutAtomMaps(absl::string_view smiles) {
  std::string plain;
  for (const char c : smiles) {
    const size_t colon = c == ']' ? plain.find(':', plain.rfind('[')) : std::string::npos;
    const bool numbered = colon != std::string::npos && colon + 1 < plain.size() &&
                          plain.find_first_not_of("0123456789", colon + 1) == std::string::npos;
    if (numbered) plain.resize(colon);
    plain.push_back(c);
  }
  return plain;
}

// The text decides the graph: the molecule is read again from its canonical SMILES, so that equal texts give equal
// graphs whatever SMILES they came from. For some (rings with bonds "~") RDKit writes another text then: that one
// counts, once it repeats itself.
absl::StatusOr<Molecule> MakeMolecule(absl::string_view smiles) {
  constexpr int kMostRounds = 10;
  DBN_ASSIGN_OR_RETURN(std::shared_ptr<RDKit::RWMol> molecule, ReadSmiles(WithoutAtomMaps(smiles)));
  DBN_RETURN_IF_ERROR(CheckAtoms(smiles, *molecule));
  std::string written = RDKit::MolToSmiles(*molecule);
  for (int round = 0; round < kMostRounds; ++round) {
    DBN_ASSIGN_OR_RETURN(molecule, ReadSmiles(written));
    std::string again = RDKit::MolToSmiles(*molecule);
    if (again == written) return Molecule{std::move(written), MakeGraph(*molecule)};
    written = std::move(again);
  }
  return InvalidSmiles(smiles, "has no canonical form that RDKit repeats; write bonds to metals as single ones");
}

}  // namespace

absl::StatusOr<Molecule> ParseSmiles(absl::string_view smiles) {
  smiles = absl::StripAsciiWhitespace(smiles);
  if (smiles.empty()) return InvalidSmiles(smiles, "is empty; give the SMILES of a molecule");
  if (smiles.size() > kMaxSmilesLength) {
    return InvalidSmiles(
        smiles, absl::StrCat("has ", smiles.size(), " characters; at most ", kMaxSmilesLength, " are supported"));
  }
  return CatchRdkit(smiles, [smiles] { return MakeMolecule(smiles); });
}

absl::StatusOr<std::vector<std::string>> AtomSymbols(const std::string& canonical_smiles) {
  return CatchRdkit(canonical_smiles, [&]() -> absl::StatusOr<std::vector<std::string>> {
    DBN_ASSIGN_OR_RETURN(const std::shared_ptr<RDKit::RWMol> molecule, ReadSmiles(canonical_smiles));
    std::vector<std::string> symbols;
    for (const RDKit::Atom* atom : molecule->atoms()) symbols.push_back(atom->getSymbol());
    return symbols;
  });
}

}  // namespace deepbindnet
