#include "core/data/entity_features.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "core/chem/protein.h"

namespace deepbindnet {

std::string ShowProtein(absl::string_view sequence) {
  constexpr size_t kShownResidues = 40;
  return absl::StrCat("'", ShowText(sequence, kShownResidues), sequence.size() > kShownResidues ? "...' (" : "' (",
                      sequence.size(), sequence.size() == 1 ? " residue)" : " residues)");
}

absl::StatusOr<int64_t> GiveFeatures(const RawTable& raw, std::vector<ProteinEntry>* proteins) {
  if (!raw.has_features) return int64_t{0};
  absl::flat_hash_map<std::string, const std::vector<float>*> known;
  for (size_t i = 0; i < raw.sequences.size(); ++i) {
    const absl::StatusOr<Protein> protein = ParseSequence(raw.sequences[i]);
    if (!protein.ok() || raw.features[i].empty()) continue;
    const auto [entry, is_new] = known.try_emplace(protein->sequence, &raw.features[i]);
    if (is_new || *entry->second == raw.features[i]) continue;
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat("protein ", ShowProtein(protein->sequence),
                                                " has two different vectors of features; give each sequence one")),
        "AMBIGUOUS_PROTEIN_FEATURES");
  }
  int64_t dimension = 0;
  for (ProteinEntry& protein : *proteins) {
    const auto found = known.find(protein.sequence);
    if (found == known.end()) {
      return WithReason(absl::InvalidArgumentError(
                            absl::StrCat("protein ", ShowProtein(protein.sequence),
                                         " has no vector of features; give it one under its sequence or id, or leave "
                                         "the features of all proteins out")),
                        "MISSING_PROTEIN_FEATURES");
    }
    protein.features = *found->second;
    dimension = static_cast<int64_t>(protein.features.size());
  }
  return dimension;
}

}  // namespace deepbindnet
