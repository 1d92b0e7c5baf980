// One server a data directory.
#ifndef DEEPBINDNET_SERVER_STORE_DATA_DIR_LOCK_H_
#define DEEPBINDNET_SERVER_STORE_DATA_DIR_LOCK_H_

#include <string>

#include "core/base/file_descriptor.h"
#include "core/base/status.h"

namespace deepbindnet {

// Holds `directory` for this process until the descriptor is closed or the process ends, however it ends. Makes the
// directory where it is missing. FAILED_PRECONDITION, reason DATA_DIR_IN_USE, where another holds it, and
// DATA_DIR_UNUSABLE where it cannot be written; the message names the directory and the remedy.
absl::StatusOr<FileDescriptor> LockDataDir(const std::string& directory);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_DATA_DIR_LOCK_H_
