#include "client/table_file.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/error.h"
#include "client/format.h"
#include "core/base/csv_field.h"
#include "core/csv/table.h"

namespace deepbindnet::client {
namespace {

namespace fs = std::filesystem;

constexpr int kRowsPerProgress = 4096;

// A gzipped file that is being written; closed at the latest when it goes.
class GzipWriter {
 public:
  // Takes `descriptor` over.
  explicit GzipWriter(int descriptor) : file_(gzdopen(descriptor, "wb1")) {
    if (file_ == nullptr) close(descriptor);
  }
  ~GzipWriter() { (void)Close(); }
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  bool Write(const std::string& text) {
    return file_ != nullptr && gzwrite(file_, text.data(), static_cast<unsigned>(text.size())) > 0;
  }
  bool Close() { return file_ != nullptr && gzclose(std::exchange(file_, nullptr)) == Z_OK; }

 private:
  gzFile file_;
};

absl::Status WriteError(const std::string& path) {
  return absl::ResourceExhaustedError(absl::StrCat(path, ": cannot be written (", std::strerror(errno),
                                                   "); is the disk full? TMPDIR names another place"));
}

absl::Status WriteTable(deepbindnet::CsvReader* table, const std::string& path, int descriptor, Console* console) {
  GzipWriter writer(descriptor);
  CsvRow row;
  for (int64_t rows = 0;; ++rows) {
    const absl::StatusOr<bool> more = table->Next(&row);
    CLIENT_RETURN_IF_ERROR(AsUsageError(more.status()));
    if (!*more) break;
    if (!writer.Write(deepbindnet::CsvLine(row.fields))) return WriteError(path);
    if (rows % kRowsPerProgress == 0) {
      console->Progress("reading", static_cast<double>(table->bytes_read()), static_cast<double>(table->bytes_total()),
                        absl::StrCat(FormatBytes(static_cast<double>(table->bytes_read())), " of ",
                                     FormatBytes(static_cast<double>(table->bytes_total()))));
    }
  }
  console->ClearProgress();
  return writer.Close() ? absl::OkStatus() : WriteError(path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TableFile>> TableFile::Make(const std::string& table,
                                                           const std::string& protein_features, Console* console) {
  std::error_code error;
  if (protein_features.empty() && !fs::is_directory(table, error)) {
    return std::unique_ptr<TableFile>(new TableFile(table, /*is_temporary=*/false));
  }
  const auto reader = OpenTable(table, protein_features);
  CLIENT_RETURN_IF_ERROR(AsUsageError(reader.status()));
  std::string path = (fs::temp_directory_path(error) / "deepbindnet-XXXXXX").string();
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) return WriteError(path);
  std::unique_ptr<TableFile> file(new TableFile(path, /*is_temporary=*/true));
  CLIENT_RETURN_IF_ERROR(WriteTable(reader->get(), path, descriptor, console));
  return file;
}

TableFile::~TableFile() {
  if (is_temporary_) unlink(path_.c_str());
}

}  // namespace deepbindnet::client
