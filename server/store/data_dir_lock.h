// One server a data directory.
#ifndef DEEPBINDNET_SERVER_STORE_DATA_DIR_LOCK_H_
#define DEEPBINDNET_SERVER_STORE_DATA_DIR_LOCK_H_

#include <memory>
#include <string>

#include "core/base/status.h"

namespace deepbindnet {

// Holds `directory` for this process until it is destroyed or the process ends, however it ends.
class DataDirLock {
 public:
  // Makes `directory` where it is missing. FAILED_PRECONDITION, reason DATA_DIR_IN_USE, where another holds it, and
  // DATA_DIR_UNUSABLE where it cannot be written; the message names the directory and the remedy.
  static absl::StatusOr<std::unique_ptr<DataDirLock>> Acquire(const std::string& directory);

  ~DataDirLock();
  DataDirLock(const DataDirLock&) = delete;
  DataDirLock& operator=(const DataDirLock&) = delete;

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}

  const int fd_;  // Of the lock file, open and locked.
};

// The error for a data directory that cannot be used, for the cause `why`.
absl::Status DataDirUnusable(const std::string& directory, absl::string_view why);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_DATA_DIR_LOCK_H_
