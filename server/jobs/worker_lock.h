// A file lock that tells whether a job's worker still lives, across the death of the server that started it.
#ifndef DEEPBINDNET_SERVER_JOBS_WORKER_LOCK_H_
#define DEEPBINDNET_SERVER_JOBS_WORKER_LOCK_H_

#include <sys/types.h>

#include <string>

#include "absl/time/time.h"
#include "core/base/file_descriptor.h"
#include "core/base/status.h"

namespace deepbindnet {

// Opens and locks `path`. The worker inherits the descriptor and with it the lock. Where an earlier worker holds it
// still, that one's process group is killed and its end awaited, no longer than `patience`; UNAVAILABLE after that.
absl::StatusOr<FileDescriptor> AcquireWorkerLock(const std::string& path, absl::Duration patience);

// Notes in the lock file who holds it.
void RecordWorkerPid(int lock_fd, pid_t pid);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_WORKER_LOCK_H_
