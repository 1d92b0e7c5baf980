// Files that are either whole or not there. All functions block on the file system; their errors name the path.
#ifndef DEEPBINDNET_CORE_BASE_FILE_H_
#define DEEPBINDNET_CORE_BASE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// End of the names under which files are written before they are whole.
inline constexpr absl::string_view kUnfinishedSuffix = ".unfinished";

// "<what>: <what errno `error` says>". NOT_FOUND for ENOENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED with the reason
// DISK_FULL where the disk or the user's share of it is full, else INTERNAL.
absl::Status FileError(absl::string_view what, int error);

// NOT_FOUND where there is no such file.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes `contents` beside `path`, flushes them to the disk and renames: after a crash at any moment `path` holds the
// old or the new contents. The file's mode is 0666 less the umask. RESOURCE_EXHAUSTED on a full disk; nothing is left
// behind on an error.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents);

// As WriteFileAtomically(), for a file that is not for everyone: one that is there keeps its mode and, where this
// process may give a file away, its owner and group; a new one has mode 0600, whatever the umask.
absl::Status RewriteFileAtomically(const std::string& path, absl::string_view contents);

// Removes what writers that were killed in WriteFileAtomically() left in `directory`. Call it where nobody writes
// there.
void RemoveUnfinishedFiles(const std::string& directory);

// Makes `path` and its parents where they are missing. What it makes is there after a power failure, too.
absl::Status MakeDirectories(const std::string& path);

// Flushes the names in `directory` to the disk: after a power failure, files made or renamed there bear them.
absl::Status SyncDirectory(const std::string& directory);

// What this process's user may still write where `path` lies; the largest number where the system does not say.
uint64_t FreeBytes(const std::string& path);

// SHA-256 as 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);
absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_FILE_H_
