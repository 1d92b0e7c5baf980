#include "client/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/error.h"

namespace deepbindnet::client {
namespace fs = std::filesystem;

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void Sha256::Update(absl::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

std::string Sha256::Hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_.get(), digest, &size);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest), size});
}

absl::StatusOr<FileDigest> DigestFile(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return UsageError(absl::StrCat(path, ": is a directory; give a CSV file"));
  std::ifstream file(path, std::ios::binary);
  if (!file) return UsageError(absl::StrCat(path, ": cannot be read (", std::strerror(errno), ")"));
  FileDigest result;
  Sha256 sha256;
  std::vector<char> buffer(1 << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const absl::string_view bytes(buffer.data(), static_cast<size_t>(file.gcount()));
    sha256.Update(bytes);
    result.size_bytes += bytes.size();
  }
  if (file.bad()) return UsageError(absl::StrCat(path, ": cannot be read (", std::strerror(errno), ")"));
  if (result.size_bytes == 0) return UsageError(absl::StrCat(path, ": is empty; give a CSV file with a header"));
  result.sha256 = sha256.Hex();
  return result;
}

absl::Status MakeOutputDirectory(const std::string& option, const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error && access(path.c_str(), W_OK | X_OK) != 0) error.assign(errno, std::generic_category());
  if (!error) return absl::OkStatus();
  return UsageError(absl::StrCat(option, ": ", path, " cannot be written (", error.message(), "); name another"));
}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  std::error_code error;
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (error) return UsageError(absl::StrCat(parent.string(), ": cannot be made (", error.message(), ")"));
  const fs::file_status target = fs::status(path, error);
  if (fs::is_directory(target)) return UsageError(absl::StrCat(path, ": is a directory; give a file's name"));
  const bool is_device = fs::exists(target) && !fs::is_regular_file(target);
  const std::string real = fs::exists(target) && !is_device ? fs::canonical(path, error).string() : path;
  std::unique_ptr<AtomicFile> file(new AtomicFile(real, is_device ? real : absl::StrCat(real, ".tmp.", getpid())));
  file->stream_.open(file->temporary_, std::ios::binary | std::ios::trunc);
  if (!file->stream_) return UsageError(absl::StrCat(path, ": cannot be written (", std::strerror(errno), ")"));
  return file;
}

AtomicFile::~AtomicFile() {
  stream_.close();
  std::error_code ignored;
  if (temporary_ != path_) fs::remove(temporary_, ignored);  // Gone already after a Commit.
}

absl::Status AtomicFile::Commit() {
  stream_.close();
  if (!stream_) return absl::ResourceExhaustedError(absl::StrCat(path_, ": cannot be written; is the disk full?"));
  std::error_code error;
  if (temporary_ != path_) fs::rename(temporary_, path_, error);
  if (error) return absl::InternalError(absl::StrCat(path_, ": cannot be written (", error.message(), ")"));
  return absl::OkStatus();
}

}  // namespace deepbindnet::client
