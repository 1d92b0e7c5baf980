// One writer a directory.
#ifndef DEEPBINDNET_SERVER_WORKER_DIRECTORY_LOCK_H_
#define DEEPBINDNET_SERVER_WORKER_DIRECTORY_LOCK_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "core/base/status.h"

namespace deepbindnet {

// An exclusive flock on DIRECTORY/.lock, held until destruction or the process's end, however that comes.
class DirectoryLock {
 public:
  // Makes the directory where it is missing and waits up to `patience` for another holder to go. FAILED_PRECONDITION
  // (reason DIRECTORY_IN_USE) where it stays.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Acquire(const std::string& directory, absl::Duration patience);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_DIRECTORY_LOCK_H_
