#include "core/prior/held_out.h"

#include <algorithm>
#include <numeric>

#include "core/data/random.h"

namespace deepbindnet {
namespace {

constexpr int kFolds = 10;
constexpr int kFoldsOfBoth = 3;  // Of drugs and of targets: each of their nine combinations is a fold.
constexpr uint64_t kSeed = 42;

// Gives each of the values 0 to size - 1 one of `groups` groups, which are about equally large.
std::vector<int> Divide(size_t size, int groups, Random* random) {
  std::vector<int> group(size);
  for (size_t i = 0; i < size; ++i) group[i] = static_cast<int>(i % static_cast<size_t>(groups));
  random->Shuffle(&group);
  return group;
}

}  // namespace

std::vector<Fold> MakeFolds(SplitMethod method, const std::vector<PairIndex>& pairs) {
  size_t drugs = 0, targets = 0;
  for (const PairIndex& pair : pairs) {
    drugs = std::max(drugs, static_cast<size_t>(pair.drug) + 1);
    targets = std::max(targets, static_cast<size_t>(pair.target) + 1);
  }
  Random random(kSeed);
  if (method == SplitMethod::kColdBoth) {
    const std::vector<int> drug_group = Divide(drugs, kFoldsOfBoth, &random);
    const std::vector<int> target_group = Divide(targets, kFoldsOfBoth, &random);
    std::vector<Fold> folds(size_t{kFoldsOfBoth} * kFoldsOfBoth);
    for (size_t i = 0; i < pairs.size(); ++i) {
      const int of_drug = drug_group[pairs[i].drug], of_target = target_group[pairs[i].target];
      for (int fold = 0; fold < kFoldsOfBoth * kFoldsOfBoth; ++fold) {
        const bool drug = of_drug == fold / kFoldsOfBoth, target = of_target == fold % kFoldsOfBoth;
        if (drug && target) folds[fold].held_out.push_back(static_cast<int64_t>(i));
        if (!drug && !target) folds[fold].measured.push_back(static_cast<int64_t>(i));
      }
    }
    return folds;
  }
  const bool by_drug = method == SplitMethod::kColdDrug || method == SplitMethod::kScaffold;
  const bool by_target = method == SplitMethod::kColdTarget;
  const std::vector<int> group = Divide(by_drug ? drugs : by_target ? targets : pairs.size(), kFolds, &random);
  std::vector<Fold> folds(kFolds);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const int own = group[by_drug ? pairs[i].drug : by_target ? pairs[i].target : i];
    for (int fold = 0; fold < kFolds; ++fold) {
      (fold == own ? folds[fold].held_out : folds[fold].measured).push_back(static_cast<int64_t>(i));
    }
  }
  return folds;
}

}  // namespace deepbindnet
