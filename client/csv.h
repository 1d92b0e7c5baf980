// CSV in and out, a row at a time.
#ifndef DEEPBINDNET_CLIENT_CSV_H_
#define DEEPBINDNET_CLIENT_CSV_H_

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deepbindnet::client {

// Longest row accepted, in bytes: what an unclosed quote can swallow before it is noticed.
inline constexpr int64_t kMaxCsvRowBytes = 1 << 20;

// Reads a plain or gzipped file as the service reads an upload: RFC 4180; LF, CRLF or CR ends a row outside quotes; a
// byte-order mark and empty lines are skipped; text between a closing quote and the next comma is kept. Not
// thread-safe; blocks on the file system.
class CsvReader {
 public:
  // A usage error where the file cannot be read.
  static absl::StatusOr<std::unique_ptr<CsvReader>> Open(const std::string& path);

  // The next row into `fields`; false at the end. A usage error names file and line of a row that ends within quotes,
  // as that of a truncated file may, and of damaged compressed data.
  absl::StatusOr<bool> Next(std::vector<std::string>* fields);

  int64_t line() const { return row_line_; }         // Where the last row began, from 1.
  bool ends_with_newline() const { return ended_; }  // False for a last row that stops at the end of the file.

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  using File = std::unique_ptr<gzFile_s, Close>;

  CsvReader(const std::string& path, File file) : path_(path), file_(std::move(file)), next_(gzgetc(file_.get())) {}
  int Take();
  void TakeLineEnd();
  absl::Status ReadRow(std::vector<std::string>* fields);
  absl::Status ReadField(std::string* field);
  absl::Status ReadQuoted(std::string* field);
  absl::Status CheckNotTooLong() const;
  absl::Status CheckEnd() const;
  absl::Status Error(int64_t line, absl::string_view problem) const;

  const std::string path_;
  const File file_;
  int next_;               // The byte to take next; -1 at the end of the file.
  int64_t line_ = 1;       // Of that byte.
  int64_t row_line_ = 1;   // Where the last row began.
  int64_t row_bytes_ = 0;  // Taken since then.
  bool ended_ = false;     // The last row has a line end.
};

// A row with its line end, LF; fields are quoted where they have to be.
std::string CsvLine(const std::vector<std::string>& fields);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_CSV_H_
