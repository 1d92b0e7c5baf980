// Decides which pair goes to which part.
#ifndef DEEPBINDNET_CORE_DATA_SPLIT_ASSIGNMENT_H_
#define DEEPBINDNET_CORE_DATA_SPLIT_ASSIGNMENT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/status.h"
#include "core/data/split.h"

namespace deepbindnet {

// Pairs as parallel columns. Entities are numbered from 0.
struct SplitInput {
  std::vector<int32_t> drug;
  std::vector<int32_t> target;
  std::vector<Part> given;             // kColumn: what the split column says.
  std::vector<int32_t> drug_scaffold;  // kScaffold: [drugs], the number of each drug's scaffold.
};

// The part of each pair; none for a pair that is dropped. The same input and options give the same result on every
// machine.
//   kRandom: shares are of pairs, exact to rounding.
//   kColdDrug, kColdTarget, kScaffold: whole drugs, targets or scaffolds move, in random order, as long as the part
//     comes nearer to its share; a part with a share above 0 gets at least one.
//   kColdBoth: sqrt(share) of the drugs and of the targets are set apart, so that the pairs of both are about the
//     share; pairs with one side set apart are dropped.
//   kColumn: as given; without a given kVal pair, a random val_size of the kTrain pairs become kVal.
// INVALID_ARGUMENT where no training pair would be left, or where a part whose share is above 0 would be empty (the
// message names test_size or val_size).
absl::StatusOr<std::vector<std::optional<Part>>> AssignSplit(const SplitInput& input, const SplitOptions& options);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_SPLIT_ASSIGNMENT_H_
