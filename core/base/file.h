// Files that are either whole or not there. All functions block on the file system; their errors name the path.
#ifndef DEEPBINDNET_CORE_BASE_FILE_H_
#define DEEPBINDNET_CORE_BASE_FILE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// NOT_FOUND where there is no such file.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes `contents` beside `path`, flushes them to the disk and renames: after a crash at any moment `path` holds the
// old or the new contents. The file's mode is 0666 less the umask. RESOURCE_EXHAUSTED on a full disk; nothing is left
// behind on an error.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents);

// Makes `path` and its parents where they are missing.
absl::Status MakeDirectories(const std::string& path);

// SHA-256 as 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_FILE_H_
