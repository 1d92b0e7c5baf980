#include "core/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file_descriptor.h"
#include "core/base/sha256.h"

namespace deepbindnet {
namespace {

absl::Status WriteAll(int fd, absl::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(absl::StrCat("cannot write ", path), errno);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return FileError(absl::StrCat("cannot flush ", path), errno);
  return absl::OkStatus();
}

constexpr mode_t kModeBelowUmask = 0666;
constexpr mode_t kPrivateMode = 0600;
constexpr mode_t kPermissionBits = 0777;

// Makes a file with a new name and what the umask leaves of `mode`; mkostemp() would make it private.
FileDescriptor CreateBeside(const std::string& path, mode_t mode, std::string* name) {
  std::random_device random;
  while (true) {
    *name = absl::StrCat(path, ".", absl::Hex(random(), absl::kZeroPad8), kUnfinishedSuffix);
    FileDescriptor file(open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.get() >= 0 || errno != EEXIST) return file;
  }
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Calls `set_attributes` with the new file's descriptor before there is anything in it; it returns 0, or -1 with errno.
template <typename SetAttributes>
absl::Status WriteBesideAndRename(const std::string& path, absl::string_view contents, mode_t mode,
                                  SetAttributes set_attributes) {
  std::string unfinished;
  FileDescriptor file = CreateBeside(path, mode, &unfinished);
  if (file.get() < 0) return FileError(absl::StrCat("cannot create a file beside ", path), errno);
  absl::Cleanup remover = [&unfinished] { unlink(unfinished.c_str()); };
  if (set_attributes(file.get()) != 0) return FileError(absl::StrCat("cannot set owner and mode of ", path), errno);
  DBN_RETURN_IF_ERROR(WriteAll(file.get(), contents, path));
  file.Close();
  if (rename(unfinished.c_str(), path.c_str()) != 0) return FileError(absl::StrCat("cannot rename to ", path), errno);
  std::move(remover).Cancel();
  return SyncDirectory(ParentOf(path));
}

// Calls `consume` with every block of the file in turn.
template <typename Consume>
absl::Status ForEachBlock(const std::string& path, Consume consume) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FileError(absl::StrCat("cannot open ", path), errno);
  std::vector<char> block(1 << 20);
  while (true) {
    const ssize_t count = read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError(absl::StrCat("cannot read ", path), errno);
    if (count == 0) return absl::OkStatus();
    consume(absl::string_view(block.data(), static_cast<size_t>(count)));
  }
}

}  // namespace

absl::Status FileError(absl::string_view what, int error) {
  const std::string message = absl::StrCat(what, ": ", std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(message);
  if (error == ENOSPC || error == EDQUOT) return WithReason(absl::ResourceExhaustedError(message), "DISK_FULL");
  return absl::InternalError(message);
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::string contents;
  DBN_RETURN_IF_ERROR(ForEachBlock(path, [&contents](absl::string_view block) { absl::StrAppend(&contents, block); }));
  return contents;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents) {
  return WriteBesideAndRename(path, contents, kModeBelowUmask, [](int) { return 0; });
}

absl::Status RewriteFileAtomically(const std::string& path, absl::string_view contents) {
  struct stat old {};
  const bool exists = stat(path.c_str(), &old) == 0;
  const mode_t mode = exists ? old.st_mode & kPermissionBits : kPrivateMode;
  return WriteBesideAndRename(path, contents, kPrivateMode, [&old, exists, mode](int fd) {
    // Only root may give files away: for others the file becomes theirs.
    if (exists && fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) return -1;
    return fchmod(fd, mode);
  });
}

void RemoveUnfinishedFiles(const std::string& directory) {
  std::error_code ignored;
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator entry(directory, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    if (absl::EndsWith(entry->path().string(), kUnfinishedSuffix)) found.push_back(entry->path());
  }
  for (const std::filesystem::path& path : found) std::filesystem::remove(path, ignored);
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  if (path.empty() || std::filesystem::is_directory(path, error)) return absl::OkStatus();
  const std::string parent = ParentOf(path);
  DBN_RETURN_IF_ERROR(MakeDirectories(parent));
  std::filesystem::create_directory(path, error);
  if (error) return FileError(absl::StrCat("cannot create the directory ", path), error.value());
  return SyncDirectory(parent);
}

absl::Status SyncDirectory(const std::string& directory) {
  const FileDescriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return FileError(absl::StrCat("cannot open ", directory), errno);
  if (fsync(opened.get()) != 0) return FileError(absl::StrCat("cannot flush ", directory), errno);
  return absl::OkStatus();
}

uint64_t FreeBytes(const std::string& path) {
  struct statvfs status {};
  if (statvfs(path.c_str(), &status) != 0) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
}

std::string Sha256Hex(absl::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.Hex();
}

absl::StatusOr<std::string> Sha256HexOfFile(const std::string& path) {
  Sha256 digest;
  DBN_RETURN_IF_ERROR(ForEachBlock(path, [&digest](absl::string_view block) { digest.Update(block); }));
  return digest.Hex();
}

}  // namespace deepbindnet
