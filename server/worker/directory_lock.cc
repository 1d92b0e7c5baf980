#include "server/worker/directory_lock.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"

namespace deepbindnet {

absl::StatusOr<FileDescriptor> LockDirectory(const std::string& directory) {
  DBN_RETURN_IF_ERROR(MakeDirectories(directory));
  DBN_ASSIGN_OR_RETURN(std::optional<FileDescriptor> lock, TryLockFile(absl::StrCat(directory, "/.lock")));
  if (lock) return *std::move(lock);
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        directory, " is being written by another worker; wait for it or give another directory")),
                    "DIRECTORY_IN_USE", {{"directory", directory}});
}

}  // namespace deepbindnet
