#include "core/csv/whole_file.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace fs = std::filesystem;

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, int64_t most_bytes, absl::string_view remedy) {
  std::error_code error;
  if (!fs::exists(path, error)) return absl::InvalidArgumentError(absl::StrCat(path, ": is missing; ", remedy));
  if (!fs::is_regular_file(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no regular file; ", remedy));
  }
  const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
  if (bytes > most_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", bytes, " bytes; at most ", most_bytes, " are read: give a smaller file"));
  }
  auto contents = ReadFile(path);
  if (contents.ok()) return contents;
  return absl::InvalidArgumentError(contents.status().message());
}

}  // namespace deepbindnet
