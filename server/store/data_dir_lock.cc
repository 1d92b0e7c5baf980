#include "server/store/data_dir_lock.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"

namespace deepbindnet {
namespace {

absl::Status Unusable(const std::string& directory, absl::string_view why) {
  const std::string message = absl::StrCat("data directory ", directory, " cannot be used: ", why,
                                           "; give a --data-dir that this user can write");
  return WithReason(absl::FailedPreconditionError(message), "DATA_DIR_UNUSABLE", {{"data_dir", directory}});
}

}  // namespace

absl::StatusOr<FileDescriptor> LockDataDir(const std::string& directory) {
  const absl::Status made = MakeDirectories(directory);
  if (!made.ok()) return Unusable(directory, made.message());
  absl::StatusOr<std::optional<FileDescriptor>> lock = TryLockFile(absl::StrCat(directory, "/lock"));
  if (!lock.ok()) return Unusable(directory, lock.status().message());
  if (lock->has_value()) return **std::move(lock);
  const std::string message =
      absl::StrCat("another server uses data directory ", directory, "; stop it or give another --data-dir");
  return WithReason(absl::FailedPreconditionError(message), "DATA_DIR_IN_USE", {{"data_dir", directory}});
}

}  // namespace deepbindnet
