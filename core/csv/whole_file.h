// Files that are read whole, as long as they are not too large for that.
#ifndef DEEPBINDNET_CORE_CSV_WHOLE_FILE_H_
#define DEEPBINDNET_CORE_CSV_WHOLE_FILE_H_

#include <cstdint>
#include <string>

#include "core/base/status.h"

namespace deepbindnet {

// The contents of `path`. INVALID_ARGUMENT naming it where there is no such file (with `remedy`), where it is no
// regular file, or where it has more than `most_bytes`.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, int64_t most_bytes, absl::string_view remedy);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_WHOLE_FILE_H_
