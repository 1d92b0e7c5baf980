#include "server/store/data_dir_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"

namespace deepbindnet {

absl::Status DataDirUnusable(const std::string& directory, absl::string_view why) {
  const std::string message = absl::StrCat("data directory ", directory, " cannot be used: ", why,
                                           "; give a --data-dir that this user can write");
  return WithReason(absl::FailedPreconditionError(message), "DATA_DIR_UNUSABLE", {{"data_dir", directory}});
}

absl::StatusOr<std::unique_ptr<DataDirLock>> DataDirLock::Acquire(const std::string& directory) {
  if (const absl::Status made = MakeDirectories(directory); !made.ok()) {
    return DataDirUnusable(directory, made.message());
  }
  // flock and not a pid file: the kernel lets go of it when the process dies, and O_CLOEXEC keeps it from workers.
  const std::string path = absl::StrCat(directory, "/lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return DataDirUnusable(directory, absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  auto lock = absl::WrapUnique(new DataDirLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) {
    return DataDirUnusable(directory, absl::StrCat("cannot lock ", path, ": ", std::strerror(errno)));
  }
  const std::string message =
      absl::StrCat("another server uses data directory ", directory, "; stop it or give another --data-dir");
  return WithReason(absl::FailedPreconditionError(message), "DATA_DIR_IN_USE", {{"data_dir", directory}});
}

DataDirLock::~DataDirLock() { close(fd_); }

}  // namespace deepbindnet
