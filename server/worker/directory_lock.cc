#include "server/worker/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/file.h"

namespace deepbindnet {

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Acquire(const std::string& directory,
                                                                      absl::Duration patience) {
  DBN_RETURN_IF_ERROR(MakeDirectories(directory));
  const std::string path = absl::StrCat(directory, "/.lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return absl::PermissionDeniedError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  const absl::Time deadline = absl::Now() + patience;
  // flock has no time limit of its own.
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) {
      return absl::InternalError(absl::StrCat("cannot lock ", path, ": ", std::strerror(errno)));
    }
    if (absl::Now() >= deadline) {
      return WithReason(absl::FailedPreconditionError(absl::StrCat(
                            directory, " is being written by another worker; wait for it or give another directory")),
                        "DIRECTORY_IN_USE", {{"directory", directory}});
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return lock;
}

DirectoryLock::~DirectoryLock() { close(fd_); }

}  // namespace deepbindnet
