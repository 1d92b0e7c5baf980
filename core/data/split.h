// Seeded division of pairs into train, validation and test.
#ifndef DEEPBINDNET_CORE_DATA_SPLIT_H_
#define DEEPBINDNET_CORE_DATA_SPLIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// The parts of a data set. Training asks for train and val only, so that nothing can read the test part early.
enum class Part : uint8_t { kTrain, kVal, kTest };

enum class SplitMethod { kRandom, kColdDrug, kColdTarget, kColdBoth, kScaffold, kColumn };

struct SplitOptions {
  SplitMethod method = SplitMethod::kRandom;
  // For kColumn: names each row's part, see PartOfLabel(); one usable row at least says `test`.
  std::string split_column;
  double test_size = 0.2;  // Share of all pairs, in [0, 1). Not used by kColumn.
  double val_size = 0.1;   // Share of the pairs that are not test, in [0, 1). With kColumn used only where the column
                           // marks no validation row.
  uint64_t seed = 42;
};

// INVALID_ARGUMENT naming the field where an option is out of range.
absl::Status ValidateSplitOptions(const SplitOptions& options);

// "random", "cold_drug", "cold_target", "cold_both", "scaffold", "column".
absl::string_view SplitMethodName(SplitMethod method);
absl::StatusOr<SplitMethod> ParseSplitMethod(absl::string_view name);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_SPLIT_H_
