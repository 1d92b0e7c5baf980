#include "server/rpc/upload_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kPartSuffix = ".part";

absl::Status UploadError(absl::string_view what, int error) {
  const std::string message = absl::StrCat("cannot ", what, " the upload: ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return WithReason(absl::ResourceExhaustedError(message), "DISK_FULL");
  return absl::InternalError(message);
}

}  // namespace

UploadFile::UploadFile(FileDescriptor file, std::string path, uint64_t size_bytes)
    : file_(std::move(file)), path_(std::move(path)), size_bytes_(size_bytes) {}

UploadFile::~UploadFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

absl::StatusOr<std::unique_ptr<UploadFile>> UploadFile::Create(const std::string& directory, uint64_t size_bytes) {
  DBN_RETURN_IF_ERROR(MakeDirectories(directory));
  std::string path = absl::StrCat(directory, "/upload-XXXXXX", kPartSuffix);
  FileDescriptor file(mkostemps(path.data(), static_cast<int>(kPartSuffix.size()), O_CLOEXEC));
  if (file.get() < 0) return UploadError("create", errno);
  return std::unique_ptr<UploadFile>(new UploadFile(std::move(file), std::move(path), size_bytes));
}

absl::Status UploadFile::Append(absl::string_view bytes) {
  received_ += bytes.size();
  if (received_ > size_bytes_) {
    return InvalidField("header.size_bytes", absl::StrCat(size_bytes_), "is less than what was sent; nothing was kept");
  }
  digest_.Update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return UploadError("write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status UploadFile::Commit(absl::string_view sha256) {
  if (received_ != size_bytes_) {
    return InvalidField("header.size_bytes", absl::StrCat(size_bytes_),
                        absl::StrCat("is not what was sent (", received_, " bytes); nothing was kept"));
  }
  if (const std::string digest = digest_.Hex(); digest != sha256) {
    return InvalidField("header.sha256", sha256,
                        absl::StrCat("is not the digest of what was sent (", digest, "); nothing was kept"));
  }
  if (fsync(file_.get()) != 0) return UploadError("flush", errno);
  file_.Close();
  std::string final_path(absl::StripSuffix(path_, kPartSuffix));
  if (rename(path_.c_str(), final_path.c_str()) != 0) return UploadError("rename", errno);
  path_ = std::move(final_path);
  return SyncDirectory(std::filesystem::path(path_).parent_path().string());
}

}  // namespace deepbindnet
