// A file that one process at a time holds.
#ifndef DEEPBINDNET_CORE_BASE_FILE_LOCK_H_
#define DEEPBINDNET_CORE_BASE_FILE_LOCK_H_

#include <optional>
#include <string>

#include "core/base/file_descriptor.h"
#include "core/base/status.h"

namespace deepbindnet {

// Locks `path` (flock), which is made where it is missing; nothing where it is held already. The lock goes with the
// last copy of the descriptor: the kernel lets go of it when the process dies, and O_CLOEXEC keeps it from what the
// process starts. Does not wait.
absl::StatusOr<std::optional<FileDescriptor>> TryLockFile(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_FILE_LOCK_H_
