#include "core/data/pairs.h"

#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace deepbindnet {
namespace {

void Append(const PairTable& from, size_t index, PairTable* to) {
  to->drug.push_back(from.drug[index]);
  to->target.push_back(from.target[index]);
  to->affinity.push_back(from.affinity[index]);
  to->row.push_back(from.row[index]);
}

int64_t CountShared(const std::vector<int32_t>& train, const std::vector<int32_t>& test) {
  const absl::flat_hash_set<int32_t> known(train.begin(), train.end());
  const absl::flat_hash_set<int32_t> asked(test.begin(), test.end());
  int64_t shared = 0;
  for (const int32_t entity : asked) shared += known.contains(entity);
  return shared;
}

}  // namespace

int64_t MergeDuplicates(PairTable* pairs, std::vector<Part>* parts) {
  PairTable merged;
  std::vector<Part> merged_parts;
  std::vector<int64_t> counts;
  absl::flat_hash_map<std::tuple<int32_t, int32_t, Part>, size_t> index;
  for (size_t i = 0; i < parts->size(); ++i) {
    const Part part = (*parts)[i];
    if (part != Part::kTest) {
      const auto [first, is_new] = index.try_emplace({pairs->drug[i], pairs->target[i], part}, merged_parts.size());
      if (!is_new) {
        merged.affinity[first->second] += pairs->affinity[i];
        ++counts[first->second];
        continue;
      }
    }
    Append(*pairs, i, &merged);
    merged_parts.push_back(part);
    counts.push_back(1);
  }
  for (size_t i = 0; i < counts.size(); ++i) merged.affinity[i] /= static_cast<double>(counts[i]);
  const int64_t merged_away = pairs->size() - merged.size();
  *pairs = std::move(merged);
  *parts = std::move(merged_parts);
  return merged_away;
}

PairTable SelectPart(const PairTable& pairs, const std::vector<std::optional<Part>>& parts, Part part) {
  PairTable selected;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == part) Append(pairs, i, &selected);
  }
  return selected;
}

void CountLeakage(const PairTable& train, const PairTable& test, DatasetManifest* manifest) {
  absl::flat_hash_set<std::pair<int32_t, int32_t>> known;
  for (size_t i = 0; i < train.drug.size(); ++i) known.emplace(train.drug[i], train.target[i]);
  manifest->test_pairs_in_train = 0;
  for (size_t i = 0; i < test.drug.size(); ++i) {
    manifest->test_pairs_in_train += known.contains(std::make_pair(test.drug[i], test.target[i]));
  }
  manifest->test_drugs_in_train = CountShared(train.drug, test.drug);
  manifest->test_targets_in_train = CountShared(train.target, test.target);
}

}  // namespace deepbindnet
