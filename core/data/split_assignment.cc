#include "core/data/split_assignment.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/data/random.h"

namespace deepbindnet {
namespace {

// Pairs start as kTrain; Set*Apart() moves some of those that still are.
class Splitter {
 public:
  Splitter(size_t pairs, uint64_t seed) : parts_(pairs, Part::kTrain), random_(seed) {}

  void Start(const std::vector<Part>& given) { parts_.assign(given.begin(), given.end()); }

  void SetPairsApart(double share, Part part) {
    std::vector<size_t> open = OpenPairs();
    const auto count = static_cast<size_t>(std::llround(share * static_cast<double>(open.size())));
    random_.Shuffle(&open);
    for (size_t i = 0; i < count; ++i) parts_[open[i]] = part;
  }

  // `group`: of each pair.
  void SetGroupsApart(const std::vector<int32_t>& group, double share, Part part) {
    const std::vector<size_t> open = OpenPairs();
    const auto wanted = static_cast<int64_t>(std::llround(share * static_cast<double>(open.size())));
    if (share <= 0.0 || open.empty()) return;
    std::vector<int64_t> sizes(Count(group));
    for (const size_t pair : open) ++sizes[static_cast<size_t>(group[pair])];
    const std::vector<bool> chosen = ChooseGroups(sizes, wanted);
    for (const size_t pair : open) {
      if (chosen[static_cast<size_t>(group[pair])]) parts_[pair] = part;
    }
  }

  // The pairs of a set-apart drug and a set-apart target become `part`; those with one of them are dropped.
  void SetBothApart(const SplitInput& input, double share, Part part) {
    if (share <= 0.0) return;
    const std::vector<bool> drugs = ChooseEntities(input.drug, std::sqrt(share));
    const std::vector<bool> targets = ChooseEntities(input.target, std::sqrt(share));
    for (const size_t pair : OpenPairs()) {
      const bool drug = drugs[static_cast<size_t>(input.drug[pair])];
      const bool target = targets[static_cast<size_t>(input.target[pair])];
      if (drug && target) {
        parts_[pair] = part;
      } else if (drug || target) {
        parts_[pair] = std::nullopt;
      }
    }
  }

  bool Has(Part part) const { return std::find(parts_.begin(), parts_.end(), part) != parts_.end(); }
  const std::vector<std::optional<Part>>& parts() const { return parts_; }

 private:
  static size_t Count(const std::vector<int32_t>& numbers) {
    return numbers.empty() ? 0 : static_cast<size_t>(*std::max_element(numbers.begin(), numbers.end())) + 1;
  }

  std::vector<size_t> OpenPairs() const {
    std::vector<size_t> open;
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i] == Part::kTrain) open.push_back(i);
    }
    return open;
  }

  // Takes groups in random order as long as their pairs come nearer to `wanted`; at least the smallest.
  std::vector<bool> ChooseGroups(const std::vector<int64_t>& sizes, int64_t wanted) {
    std::vector<size_t> order;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] > 0) order.push_back(i);
    }
    random_.Shuffle(&order);
    std::vector<bool> chosen(sizes.size(), false);
    int64_t taken = 0;
    for (const size_t group : order) {
      if (std::abs(taken + sizes[group] - wanted) >= std::abs(taken - wanted)) continue;
      chosen[group] = true;
      taken += sizes[group];
    }
    if (taken == 0) {
      chosen[*std::min_element(order.begin(), order.end(),
                               [&sizes](size_t a, size_t b) { return sizes[a] < sizes[b]; })] = true;
    }
    return chosen;
  }

  // A share of the entities that still have an open pair, at least one.
  std::vector<bool> ChooseEntities(const std::vector<int32_t>& entity, double share) {
    std::vector<bool> seen(Count(entity), false);
    for (const size_t pair : OpenPairs()) seen[static_cast<size_t>(entity[pair])] = true;
    std::vector<size_t> order;
    for (size_t i = 0; i < seen.size(); ++i) {
      if (seen[i]) order.push_back(i);
    }
    random_.Shuffle(&order);
    const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(order.size())));
    order.resize(std::min(order.size(), std::max<size_t>(wanted, 1)));
    std::vector<bool> chosen(seen.size(), false);
    for (const size_t i : order) chosen[i] = true;
    return chosen;
  }

  std::vector<std::optional<Part>> parts_;  // None: dropped.
  Random random_;
};

std::vector<int32_t> ScaffoldOfPairs(const SplitInput& input) {
  std::vector<int32_t> scaffolds;
  scaffolds.reserve(input.drug.size());
  for (const int32_t drug : input.drug) scaffolds.push_back(input.drug_scaffold[static_cast<size_t>(drug)]);
  return scaffolds;
}

void SetGroupsApart(const std::vector<int32_t>& group, const SplitOptions& options, Splitter* splitter) {
  splitter->SetGroupsApart(group, options.test_size, Part::kTest);
  splitter->SetGroupsApart(group, options.val_size, Part::kVal);
}

void Assign(const SplitInput& input, const SplitOptions& options, Splitter* splitter) {
  switch (options.method) {
    case SplitMethod::kRandom:
      splitter->SetPairsApart(options.test_size, Part::kTest);
      splitter->SetPairsApart(options.val_size, Part::kVal);
      return;
    case SplitMethod::kColdDrug:
      SetGroupsApart(input.drug, options, splitter);
      return;
    case SplitMethod::kColdTarget:
      SetGroupsApart(input.target, options, splitter);
      return;
    case SplitMethod::kScaffold:
      SetGroupsApart(ScaffoldOfPairs(input), options, splitter);
      return;
    case SplitMethod::kColdBoth:
      splitter->SetBothApart(input, options.test_size, Part::kTest);
      splitter->SetBothApart(input, options.val_size, Part::kVal);
      return;
    case SplitMethod::kColumn:
      splitter->Start(input.given);
      if (!splitter->Has(Part::kVal)) splitter->SetPairsApart(options.val_size, Part::kVal);
      return;
  }
}

// A share that leaves its part empty would leave the model unmeasured without a word.
absl::Status CheckPart(const Splitter& splitter, Part part, absl::string_view field, double share,
                       const SplitOptions& options) {
  if (share == 0.0 || splitter.Has(part)) return absl::OkStatus();
  return InvalidField(
      field, absl::StrCat(share),
      absl::StrCat("leaves this part empty in the ", SplitMethodName(options.method), " split of ",
                   splitter.parts().size(), " pairs; give more data, a larger share, or 0 to do without it"));
}

}  // namespace

absl::StatusOr<std::vector<std::optional<Part>>> AssignSplit(const SplitInput& input, const SplitOptions& options) {
  DBN_RETURN_IF_ERROR(ValidateSplitOptions(options));
  Splitter splitter(input.drug.size(), options.seed);
  Assign(input, options, &splitter);
  if (!splitter.Has(Part::kTrain)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", SplitMethodName(options.method), " split of ", input.drug.size(),
                     " pairs leaves none to train on; give more data, smaller shares or another split"));
  }
  const double test_share = options.method == SplitMethod::kColumn ? 0.0 : options.test_size;  // Else as given.
  DBN_RETURN_IF_ERROR(CheckPart(splitter, Part::kTest, "test_size", test_share, options));
  DBN_RETURN_IF_ERROR(CheckPart(splitter, Part::kVal, "val_size", options.val_size, options));
  return splitter.parts();
}

}  // namespace deepbindnet
