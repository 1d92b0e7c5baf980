// Comma-separated values as RFC 4180 has them, read as a stream from a plain or a gzipped file.
#ifndef DEEPBINDNET_CORE_CSV_CSV_READER_H_
#define DEEPBINDNET_CORE_CSV_CSV_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Longest row accepted, in bytes of the file without the line end: what an unclosed quote can swallow before it is
// noticed, and what bounds the number of fields.
inline constexpr int64_t kMaxCsvRowBytes = 1 << 20;

struct CsvRow {
  int64_t line = 0;                 // Of the file, from 1, where the row begins.
  std::vector<std::string> fields;  // Without quotes.
  bool ends_with_newline = false;   // False for a last row that stops at the end of the file.
};

// Reads rows in order. LF, CRLF and CR end a row outside quotes; a byte-order mark and empty lines are skipped. Quotes
// count at the start of a field only; text between a closing quote and the next comma is kept. Not thread-safe; blocks
// on the file system.
class CsvReader {
 public:
  // NOT_FOUND where there is no such file. A gzipped file is known by its first bytes, whatever its name.
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path);
  virtual ~CsvReader() = default;

  // Reads the next row into `row`, whose memory is used again; false at the end of the file. INVALID_ARGUMENT naming
  // file and line for a quote that is never closed, a row over kMaxCsvRowBytes or damaged compressed data.
  virtual absl::StatusOr<bool> Next(CsvRow* row) = 0;

  // Bytes of the file (compressed, where it is) consumed so far, and its size.
  virtual int64_t bytes_read() const = 0;
  virtual int64_t bytes_total() const = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_CSV_READER_H_
