// The units that the rows of a table name, where a column says them.
#ifndef DEEPBINDNET_CORE_DATA_UNIT_COUNTS_H_
#define DEEPBINDNET_CORE_DATA_UNIT_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Not thread-safe.
class UnitCounts {
 public:
  // Counts a row of `line`. White space around the unit does not count; an empty field is a unit of its own.
  void Add(absl::string_view unit, int64_t line);

  // The only unit; empty where no row names one. INVALID_ARGUMENT (reason MIXED_UNITS) where there are several: the
  // message names `column` and the first 20 units with the number of their rows and the first line of each.
  absl::StatusOr<std::string> Single(absl::string_view column) const;

 private:
  struct Rows {
    int64_t count = 0;
    int64_t first_line = 0;
  };
  static constexpr size_t kMostUnits = 20;

  std::map<std::string, Rows> rows_;  // By unit, at most kMostUnits.
  int64_t other_rows_ = 0;            // Of further units.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_UNIT_COUNTS_H_
