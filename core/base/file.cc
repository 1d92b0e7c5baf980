#include "core/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"

namespace deepbindnet {
namespace {

absl::Status ErrnoError(absl::string_view what, const std::string& path, int error) {
  const std::string message = absl::StrCat(what, " ", path, ": ", std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(message);
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

absl::Status WriteAll(int fd, absl::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoError("cannot write", path, errno);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return ErrnoError("cannot flush", path, errno);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoError("cannot open", directory, errno);
  const absl::Cleanup closer = [fd] { close(fd); };
  if (fsync(fd) != 0) return ErrnoError("cannot flush", directory, errno);
  return absl::OkStatus();
}

// Makes a file with a new name and the mode that the umask leaves; mkostemp() would make it private. -1 on an error.
int CreateBeside(const std::string& path, std::string* name) {
  std::random_device random;
  while (true) {
    *name = absl::StrCat(path, ".", absl::Hex(random(), absl::kZeroPad8), ".tmp");
    const int fd = open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

// Calls `consume` with every block of the file in turn.
template <typename Consume>
absl::Status ForEachBlock(const std::string& path, Consume consume) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoError("cannot open", path, errno);
  const absl::Cleanup closer = [fd] { close(fd); };
  std::vector<char> block(1 << 20);
  while (true) {
    const ssize_t count = read(fd, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("cannot read", path, errno);
    if (count == 0) return absl::OkStatus();
    consume(absl::string_view(block.data(), static_cast<size_t>(count)));
  }
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::string contents;
  DBN_RETURN_IF_ERROR(ForEachBlock(path, [&contents](absl::string_view block) { absl::StrAppend(&contents, block); }));
  return contents;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents) {
  std::string temporary;
  const int fd = CreateBeside(path, &temporary);
  if (fd < 0) return ErrnoError("cannot create a file beside", path, errno);
  absl::Cleanup remover = [&temporary] { unlink(temporary.c_str()); };
  {
    const absl::Cleanup closer = [fd] { close(fd); };
    DBN_RETURN_IF_ERROR(WriteAll(fd, contents, path));
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return ErrnoError("cannot rename to", path, errno);
  std::move(remover).Cancel();
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return SyncDirectory(directory.empty() ? "." : directory);
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoError("cannot create the directory", path, error.value());
  return absl::OkStatus();
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
