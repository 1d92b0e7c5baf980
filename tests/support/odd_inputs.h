// Molecules and proteins that are unusual and valid.
#ifndef DEEPBINDNET_TESTS_SUPPORT_ODD_INPUTS_H_
#define DEEPBINDNET_TESTS_SUPPORT_ODD_INPUTS_H_

#include <string>
#include <vector>

namespace deepbindnet {

// Glycine, `residues` times, as a molecule of 4 * residues + 1 heavy atoms.
inline std::string Polyglycine(int residues) {
  std::string smiles;
  for (int i = 0; i < residues; ++i) smiles += "NCC(=O)";
  return smiles + "O";
}

inline std::vector<std::string> OddSmiles() {
  return {
      "[Na+]",                                                 // One atom.
      "C",                                                     // One atom.
      "[H+]",                                                  // No heavy atom.
      "[H][H]",                                                // Likewise.
      "[Pt]",                                                  // A metal.
      "N[Pt](N)(Cl)Cl",                                        // Cisplatin.
      "[NH3]->[Pt](Cl)(Cl)<-[NH3]",                            // With dative bonds.
      "[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1",                        // Ferrocene.
      "C[Mg]Br",                                               // An organometallic.
      "CC[Hg]Sc1ccccc1C(=O)[O-].[Na+]",                        // Thiomersal.
      "[U]",                                                   // An element without a category of its own.
      "C[N+](C)(C)CC(=O)[O-]",                                 // A zwitterion.
      "[O-2].[O-2].[Ti+4]",                                    // Large charges.
      "CC(=O)[O-].[Na+]",                                      // A salt.
      "OC(=O)CC(O)(CC(=O)O)C(=O)O.CN1CCC[C@H]1c1cccnc1.O.Cl",  // Several fragments.
      "[13CH3][14C](=O)[18OH]",                                // Isotopes.
      "[2H]C([2H])([2H])O[2H]",                                // Deuterium.
      "[H]c1c([H])c([H])c([H])c([H])c1[H]",                    // Explicit hydrogens.
      "[CH3]",                                                 // A radical.
      "FS(F)(F)(F)(F)F",                                       // Six bonds.
      "[C-]#[O+]",                                             // Carbon monoxide.
      "F/C=C/[C@@H](N)C(=O)O",                                 // Stereochemistry of both kinds.
      Polyglycine(75),                                         // 301 atoms.
  };
}

inline std::vector<std::string> OddSequences() {
  std::string longest;
  while (longest.size() < 5000) longest += "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ";
  longest.resize(5000);
  return {"M",                       // One residue.
          "XUBZOJ",                  // Rare and ambiguous residues alone.
          "mktayiakqrqisfvkshfsrq",  // Lower case.
          " MKTAY IAKQR\n\tQISFV ",  // White space.
          "MKTAYIAKQR*",             // A stop at the end.
          std::string(16, 'A'),
          std::string(17, 'A'),   // Just one token, and one residue more.
          std::string(300, 'X'),  // Nothing is known of it.
          longest};
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_ODD_INPUTS_H_
