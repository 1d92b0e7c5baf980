// One writer a directory.
#ifndef DEEPBINDNET_SERVER_WORKER_DIRECTORY_LOCK_H_
#define DEEPBINDNET_SERVER_WORKER_DIRECTORY_LOCK_H_

#include <string>

#include "core/base/file_descriptor.h"
#include "core/base/status.h"

namespace deepbindnet {

// An exclusive flock on DIRECTORY/.lock, held until the descriptor is closed or the process ends, however that comes.
// Makes the directory where it is missing. FAILED_PRECONDITION (reason DIRECTORY_IN_USE) where another holds it.
absl::StatusOr<FileDescriptor> LockDirectory(const std::string& directory);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_DIRECTORY_LOCK_H_
