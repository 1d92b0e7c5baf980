#include <array>

#include "core/chem/molecule.h"
#include "tests/bench/figures.h"

namespace deepbindnet {
namespace {

// Imatinib, gefitinib, staurosporine, caffeine: what a kinase data set holds, from large to small.
constexpr std::array<const char*, 4> kSmiles = {
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1",
    "CN[C@@H]1C[C@H]2O[C@@](C)([C@@H]1OC)n1c3ccccc3c3c4c(c5c6ccccc6n2c5c31)C(=O)NC4",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
};

void Featurise(benchmark::State& state) {
  for (auto _ : state) {
    for (const char* smiles : kSmiles) {
      auto molecule = ParseSmiles(smiles);
      if (!molecule.ok()) state.SkipWithError(molecule.status().ToString().c_str());
      benchmark::DoNotOptimize(molecule);
    }
  }
  ReportItems(state, kSmiles.size());
}

const bool kAdded = AddFigure({"featurised_molecules_per_second", "molecules/s", 500, Featurise});

}  // namespace
}  // namespace deepbindnet
