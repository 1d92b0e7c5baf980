// CSV in and out, a record at a time.
#ifndef DEEPBINDNET_CLIENT_CSV_H_
#define DEEPBINDNET_CLIENT_CSV_H_

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deepbindnet::client {

// Reads RFC 4180 with either line end, a byte order mark, and blank lines, which are skipped. Every record has as many
// fields as the first one, the header. Not thread-safe.
class CsvReader {
 public:
  // `name` is for messages; `input` must outlive the reader.
  CsvReader(std::istream* input, std::string name) : input_(input), name_(std::move(name)) {}

  // The next record into `fields`; false at the end. A usage error names the line of a record that has another number
  // of fields or ends within quotes, as that of a truncated file does.
  absl::StatusOr<bool> Next(std::vector<std::string>* fields);

  int64_t line() const { return record_line_; }  // Where the last record began, from 1.

 private:
  absl::StatusOr<bool> ReadRecord(std::vector<std::string>* fields);
  absl::Status ReadQuoted(std::string* field);
  void SkipByteOrderMark();

  std::istream* const input_;
  const std::string name_;
  int64_t line_ = 1;
  int64_t record_line_ = 0;
  size_t columns_ = 0;  // 0 until the header has been read.
};

// `field` as it stands in a CSV file: in quotes where it has to be.
std::string QuoteCsv(absl::string_view field);

// A record with its line end.
std::string CsvLine(const std::vector<std::string>& fields);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_CSV_H_
