// A file that is being received.
#ifndef DEEPBINDNET_SERVER_RPC_UPLOAD_FILE_H_
#define DEEPBINDNET_SERVER_RPC_UPLOAD_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/file_descriptor.h"
#include "core/base/sha256.h"
#include "core/base/status.h"

namespace deepbindnet {

// Removes what it wrote when destroyed, unless released. Blocks on the file system. Not thread-safe.
class UploadFile {
 public:
  // A new file for `size_bytes` to come, with a name of its own in `directory`, which is made where it is missing; the
  // name ends in ".part" until Commit.
  static absl::StatusOr<std::unique_ptr<UploadFile>> Create(const std::string& directory, uint64_t size_bytes);
  ~UploadFile();

  UploadFile(const UploadFile&) = delete;
  UploadFile& operator=(const UploadFile&) = delete;

  // INVALID_ARGUMENT: more than size_bytes came.
  absl::Status Append(absl::string_view bytes);

  // Checks size and SHA-256 (lower-case hex), flushes to the disk, and takes ".part" off the name. INVALID_ARGUMENT:
  // they differ.
  absl::Status Commit(absl::string_view sha256);

  // Leaves the file to its next owner.
  void Release() { path_.clear(); }

  const std::string& path() const { return path_; }

 private:
  UploadFile(FileDescriptor file, std::string path, uint64_t size_bytes);

  FileDescriptor file_;  // None once committed.
  std::string path_;     // Where it lies now; empty once released.
  const uint64_t size_bytes_;
  uint64_t received_ = 0;
  Sha256 digest_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_UPLOAD_FILE_H_
