#include "core/data/synthesize.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "core/base/csv_field.h"
#include "core/base/file.h"
#include "core/chem/fragments.h"
#include "core/data/random.h"
#include "core/data/synthetic_rule.h"

namespace deepbindnet {
namespace {

constexpr int64_t kFewestPairs = 100;
constexpr int64_t kMostPairs = 1000000;
constexpr int kShortestSequence = 100;
constexpr int kLongestSequence = 600;
constexpr int kResiduesPerMotif = 150;

struct SyntheticDrug {
  std::string smiles;
  int warhead = 0;      // Index into SyntheticWarheads().
  double effect = 0.0;  // On pKd, whatever the target.
};

struct SyntheticTarget {
  std::string sequence;
  int motif = 0;        // Index into SyntheticMotifs().
  double effect = 0.0;  // On pKd, whatever the drug.
};

std::string Relabel(absl::string_view fragment, int from, int to) {
  return absl::StrReplaceAll(fragment, {{absl::StrCat("[*:", from, "]"), absl::StrCat("[*:", to, "]")}});
}

// Core with the warhead, behind a linker or none, at its first attachment point and decorations at the other two.
absl::StatusOr<std::string> MakeMolecule(absl::string_view core, absl::string_view warhead, Random* random) {
  const absl::string_view linker = random->Pick(SyntheticLinkers());
  std::vector<std::string> fragments = {std::string(core)};
  if (linker.empty()) {
    fragments.push_back(Relabel(warhead, 4, 1));
  } else {
    fragments.emplace_back(linker);
    fragments.emplace_back(warhead);
  }
  fragments.push_back(absl::StrCat("[*:2]", random->Pick(SyntheticDecorations())));
  fragments.push_back(absl::StrCat("[*:3]", random->Pick(SyntheticDecorations())));
  return JoinFragments(fragments);
}

// Warheads take turns, so that each is as frequent as the others.
absl::StatusOr<std::vector<SyntheticDrug>> MakeDrugs(size_t count, Random* random) {
  std::vector<SyntheticDrug> drugs;
  absl::flat_hash_set<std::string> known;
  while (drugs.size() < count) {
    SyntheticDrug drug;
    drug.warhead = static_cast<int>(drugs.size() % SyntheticWarheads().size());
    const size_t core = random->Below(SyntheticCores().size());
    DBN_ASSIGN_OR_RETURN(drug.smiles, MakeMolecule(SyntheticCores()[core],
                                                   SyntheticWarheads()[static_cast<size_t>(drug.warhead)], random));
    drug.effect = SyntheticCoreEffect(core);
    if (known.insert(drug.smiles).second) drugs.push_back(std::move(drug));
  }
  return drugs;
}

bool HasAnyMotif(const std::string& sequence) {
  return std::any_of(SyntheticMotifs().begin(), SyntheticMotifs().end(),
                     [&sequence](absl::string_view motif) { return absl::StrContains(sequence, motif); });
}

std::string MakeBackground(Random* random) {
  const auto length = kShortestSequence + static_cast<int>(random->Below(kLongestSequence - kShortestSequence + 1));
  std::string sequence = "M";
  do {
    sequence.resize(1);
    for (int i = 1; i < length; ++i) sequence.push_back(SyntheticResidue(random->Uniform()));
  } while (HasAnyMotif(sequence));
  return sequence;
}

// One copy in each of as many equal stretches as the length allows; the first residue stays M.
void PlantMotif(absl::string_view motif, Random* random, std::string* sequence) {
  const size_t copies = 1 + sequence->size() / kResiduesPerMotif;
  const size_t stretch = (sequence->size() - 1) / copies;
  for (size_t copy = 0; copy < copies; ++copy) {
    const size_t position = 1 + copy * stretch + random->Below(stretch - motif.size() + 1);
    sequence->replace(position, motif.size(), std::string(motif));
  }
}

std::vector<SyntheticTarget> MakeTargets(size_t count, Random* random) {
  std::vector<SyntheticTarget> targets;
  for (size_t i = 0; i < count; ++i) {
    SyntheticTarget target;
    target.motif = static_cast<int>(i % SyntheticMotifs().size());
    target.sequence = MakeBackground(random);
    PlantMotif(SyntheticMotifs()[static_cast<size_t>(target.motif)], random, &target.sequence);
    target.effect = kSyntheticTargetEffectSd * random->Normal();
    targets.push_back(std::move(target));
  }
  return targets;
}

std::string MakeCsv(const std::vector<SyntheticDrug>& drugs, const std::vector<SyntheticTarget>& targets, size_t pairs,
                    Random* random) {
  std::vector<uint32_t> all(drugs.size() * targets.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint32_t>(i);
  random->Shuffle(&all);
  std::string csv = "drug_id,target_id,compound_iso_smiles,target_sequence,pKd\n";
  for (size_t i = 0; i < pairs; ++i) {
    const size_t drug_index = all[i] / targets.size();
    const size_t target_index = all[i] % targets.size();
    const SyntheticDrug& drug = drugs[drug_index];
    const SyntheticTarget& target = targets[target_index];
    const double pkd = kSyntheticBaseline + SyntheticInteraction(drug.warhead, target.motif) + drug.effect +
                       target.effect + kSyntheticNoiseSd * random->Normal();
    absl::StrAppend(&csv, "SYND", drug_index + 1, ",SYNT", target_index + 1, ",");
    AppendCsvField(drug.smiles, &csv);
    absl::StrAppend(&csv, ",", target.sequence, ",", absl::StrFormat("%.3f", pkd), "\n");
  }
  return csv;
}

}  // namespace

absl::StatusOr<std::string> Synthesize(const std::string& path, const SynthesizeOptions& options) {
  if (options.pairs < kFewestPairs || options.pairs > kMostPairs) {
    return InvalidField("pairs", absl::StrCat(options.pairs),
                        absl::StrCat("is not in [", kFewestPairs, ", ", kMostPairs, "]; give a number of pairs"));
  }
  // 16 pairs a drug and 97 a target at 4,000 pairs: 38 % of all combinations, at every size.
  const double root = std::sqrt(static_cast<double>(options.pairs));
  Random random(options.seed);
  DBN_ASSIGN_OR_RETURN(const auto drugs, MakeDrugs(static_cast<size_t>(std::ceil(4.0 * root)), &random));
  const auto targets = MakeTargets(static_cast<size_t>(std::ceil(0.65 * root)), &random);
  const std::string csv = MakeCsv(drugs, targets, static_cast<size_t>(options.pairs), &random);
  DBN_RETURN_IF_ERROR(WriteFileAtomically(path, csv));
  return absl::StrCat(options.pairs, " pairs of ", drugs.size(), " molecules and ", targets.size(), " proteins");
}

}  // namespace deepbindnet
