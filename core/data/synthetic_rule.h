// The rule behind synthetic data (docs/synthetic-data.md): the pieces and how they decide an affinity. It is the same
// for every seed, so that a model trained on one synthetic data set holds for another.
#ifndef DEEPBINDNET_CORE_DATA_SYNTHETIC_RULE_H_
#define DEEPBINDNET_CORE_DATA_SYNTHETIC_RULE_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// In pKd units.
inline constexpr double kSyntheticBaseline = 6.5;
inline constexpr double kSyntheticInteractionSd = 1.0;
inline constexpr double kSyntheticTargetEffectSd = 0.1;
inline constexpr double kSyntheticNoiseSd = 0.2;

// Substructures that bind, as SMILES attached at [*:4].
const std::vector<absl::string_view>& SyntheticWarheads();

// Residues that they bind to, as many as there are warheads.
const std::vector<absl::string_view>& SyntheticMotifs();

// Ring systems with attachment points [*:1], for the warhead, [*:2] and [*:3].
const std::vector<absl::string_view>& SyntheticCores();

// From [*:1] of a core to [*:4] of a warhead; an empty one joins them directly.
const std::vector<absl::string_view>& SyntheticLinkers();

// Side chains without binding partner; attached at their first atom.
const std::vector<absl::string_view>& SyntheticDecorations();

// What a warhead and a motif add to pKd together. Every row and every column of the table has mean 0, all of it
// standard deviation kSyntheticInteractionSd: alone, neither says anything.
double SyntheticInteraction(int warhead, int motif);

// What a core adds to pKd whatever the target, in [-0.15, 0.15].
double SyntheticCoreEffect(size_t core);

// A residue with about the frequency it has in nature; `uniform` in [0, 1).
char SyntheticResidue(double uniform);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_SYNTHETIC_RULE_H_
