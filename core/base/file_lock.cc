#include "core/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deepbindnet {

absl::StatusOr<std::optional<FileDescriptor>> TryLockFile(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return std::optional<FileDescriptor>(std::move(file));
  if (errno == EWOULDBLOCK) return std::optional<FileDescriptor>();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", path));
}

}  // namespace deepbindnet
