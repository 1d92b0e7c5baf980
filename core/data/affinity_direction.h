// Which affinities mean tighter binding.
#ifndef DEEPBINDNET_CORE_DATA_AFFINITY_DIRECTION_H_
#define DEEPBINDNET_CORE_DATA_AFFINITY_DIRECTION_H_

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

enum class AffinityDirection { kUnknown, kHigherBindsTighter, kLowerBindsTighter };

// Higher for KIBA, pKd, pKi, pIC50 and pEC50. Lower for a concentration (pM to M), and where a word of the affinity
// column's name is Kd, Ki, IC50 or EC50 and the unit says nothing. Else unknown. Case does not matter.
AffinityDirection GuessAffinityDirection(absl::string_view unit, absl::string_view column_name);

// "unknown", "higher", "lower".
absl::string_view AffinityDirectionName(AffinityDirection direction);
absl::StatusOr<AffinityDirection> ParseAffinityDirection(absl::string_view name);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_AFFINITY_DIRECTION_H_
