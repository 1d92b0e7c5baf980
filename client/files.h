// Local files: those we send, and those that appear whole or not at all.
#ifndef DEEPBINDNET_CLIENT_FILES_H_
#define DEEPBINDNET_CLIENT_FILES_H_

#include <openssl/evp.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deepbindnet::client {

// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  void Update(absl::string_view bytes);
  std::string Hex();  // 64 lower-case hex digits; call once, last.

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

struct FileDigest {
  uint64_t size_bytes = 0;
  std::string sha256;  // Hex.
};

// A usage error where `path` is not a readable file with something in it.
absl::StatusOr<FileDigest> DigestFile(const std::string& path);

// Makes `path` and its parents where they are missing. A usage error that names `option` where nothing can be written
// there.
absl::Status MakeOutputDirectory(const std::string& option, const std::string& path);

// A file that is written beside `path` and takes its name on Commit(); without it nothing is left. A link's target is
// replaced, not the link; what is no regular file, as /dev/stdout, is written as it is. Not thread-safe.
class AtomicFile {
 public:
  // Makes parent directories where they are missing. A usage error names a path that cannot be written.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Write(absl::string_view bytes) { stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); }
  // Error where a write has failed, for example on a full disk.
  absl::Status Commit();

 private:
  AtomicFile(std::string path, std::string temporary) : path_(std::move(path)), temporary_(std::move(temporary)) {}

  const std::string path_;
  const std::string temporary_;  // path_ itself where it is no regular file.
  std::ofstream stream_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_FILES_H_
