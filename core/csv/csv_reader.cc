#include "core/csv/csv_reader.h"

#include <sys/stat.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr unsigned kBlockBytes = 1 << 18;
constexpr int kEndOfFile = -1;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct CloseGzip {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseGzip>;  // Reads plain files as they are.

class CsvReaderImpl : public CsvReader {
 public:
  CsvReaderImpl(std::string path, GzipFile file, int64_t bytes_total)
      : path_(std::move(path)), file_(std::move(file)), bytes_total_(bytes_total), block_(kBlockBytes, '\0') {}

  // Must be called once, before Next().
  absl::Status SkipByteOrderMark() {
    DBN_RETURN_IF_ERROR(Fill());
    if (absl::StartsWith(Rest(), kByteOrderMark)) position_ += kByteOrderMark.size();
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(CsvRow* row) override {
    DBN_RETURN_IF_ERROR(SkipEmptyLines());
    DBN_ASSIGN_OR_RETURN(const int first, Peek());
    if (first == kEndOfFile) return false;
    row->line = line_;
    row->ends_with_newline = false;
    row_bytes_ = 0;
    size_t fields = 0;
    for (bool more = true; more;) {
      if (fields == row->fields.size()) row->fields.emplace_back();
      DBN_ASSIGN_OR_RETURN(more, ReadField(row, &row->fields[fields]));
      ++fields;
    }
    row->fields.resize(fields);
    return true;
  }

  int64_t bytes_read() const override { return gzoffset(file_.get()); }
  int64_t bytes_total() const override { return bytes_total_; }

 private:
  absl::string_view Rest() const { return absl::string_view(block_).substr(position_, end_ - position_); }

  absl::Status Error(int64_t line, absl::string_view problem) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": line ", line, ": ", problem));
  }

  // Reads the next block; leaves it empty at the end of the file.
  absl::Status Fill() {
    const int count = gzread(file_.get(), block_.data(), kBlockBytes);
    int code = Z_OK;
    const char* message = gzerror(file_.get(), &code);
    if (count < 0 && code == Z_ERRNO) {
      return absl::InvalidArgumentError(absl::StrCat("cannot read ", path_, ": ", std::strerror(errno)));
    }
    if (count < 0 || code == Z_BUF_ERROR) {
      return Error(line_, absl::StrCat("the gzip data are damaged or cut off (", message, "); give the whole file"));
    }
    position_ = 0;
    end_ = static_cast<size_t>(count);
    return absl::OkStatus();
  }

  // The next byte, or kEndOfFile.
  absl::StatusOr<int> Peek() {
    if (position_ == end_) DBN_RETURN_IF_ERROR(Fill());
    if (position_ == end_) return kEndOfFile;
    return static_cast<unsigned char>(block_[position_]);
  }

  // Passes `bytes` of the block, which belong to `row`.
  absl::Status Consume(size_t bytes, const CsvRow& row) {
    position_ += bytes;
    row_bytes_ += static_cast<int64_t>(bytes);
    if (row_bytes_ <= kMaxCsvRowBytes) return absl::OkStatus();
    return Error(row.line, absl::StrCat("the row that begins here has more than ", kMaxCsvRowBytes,
                                        " bytes; is a quote (\") opened and not closed?"));
  }

  absl::Status SkipEmptyLines() {
    while (true) {
      DBN_ASSIGN_OR_RETURN(const int byte, Peek());
      if (byte != '\r' && byte != '\n') return absl::OkStatus();
      DBN_RETURN_IF_ERROR(SkipNewline());
    }
  }

  // At a CR or an LF.
  absl::Status SkipNewline() {
    const bool carriage_return = block_[position_++] == '\r';
    ++line_;
    if (!carriage_return) return absl::OkStatus();
    DBN_ASSIGN_OR_RETURN(const int byte, Peek());
    if (byte == '\n') ++position_;
    return absl::OkStatus();
  }

  // True where a comma follows the field, which has been consumed.
  absl::StatusOr<bool> ReadField(CsvRow* row, std::string* field) {
    field->clear();
    DBN_ASSIGN_OR_RETURN(int byte, Peek());
    if (byte == '"') DBN_RETURN_IF_ERROR(ReadQuoted(*row, field));
    DBN_RETURN_IF_ERROR(AppendUntil(",\r\n", *row, field));
    DBN_ASSIGN_OR_RETURN(byte, Peek());
    if (byte == ',') {
      DBN_RETURN_IF_ERROR(Consume(1, *row));
      return true;
    }
    row->ends_with_newline = byte != kEndOfFile;
    if (row->ends_with_newline) DBN_RETURN_IF_ERROR(SkipNewline());
    return false;
  }

  // At the opening quote; leaves the position behind the closing one.
  absl::Status ReadQuoted(const CsvRow& row, std::string* field) {
    const int64_t opened = line_;
    DBN_RETURN_IF_ERROR(Consume(1, row));
    while (true) {
      const size_t before = field->size();
      DBN_RETURN_IF_ERROR(AppendUntil("\"", row, field));
      for (size_t i = before; i < field->size(); ++i) line_ += (*field)[i] == '\n';
      DBN_ASSIGN_OR_RETURN(int byte, Peek());
      if (byte == kEndOfFile) {
        return Error(opened, "a quote (\") is opened here and never closed; is the file cut off?");
      }
      DBN_RETURN_IF_ERROR(Consume(1, row));
      DBN_ASSIGN_OR_RETURN(byte, Peek());
      if (byte != '"') return absl::OkStatus();
      field->push_back('"');
      DBN_RETURN_IF_ERROR(Consume(1, row));
    }
  }

  // Moves bytes to `field` up to the first of `stops` or the end of the file.
  absl::Status AppendUntil(const char* stops, const CsvRow& row, std::string* field) {
    while (true) {
      DBN_ASSIGN_OR_RETURN(const int byte, Peek());
      if (byte == kEndOfFile) return absl::OkStatus();
      const absl::string_view rest = Rest();
      const size_t stop = rest.find_first_of(stops);
      const absl::string_view run = rest.substr(0, stop);
      absl::StrAppend(field, run);
      DBN_RETURN_IF_ERROR(Consume(run.size(), row));
      if (stop != absl::string_view::npos) return absl::OkStatus();
    }
  }

  const std::string path_;
  const GzipFile file_;
  const int64_t bytes_total_;
  std::string block_;
  size_t position_ = 0;    // Of the next byte in block_.
  size_t end_ = 0;         // Of the bytes in block_.
  int64_t line_ = 1;       // Of the next byte.
  int64_t row_bytes_ = 0;  // Of the row so far, without its line end.
};

}  // namespace

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(const std::string& path) {
  struct stat information {};
  if (stat(path.c_str(), &information) != 0) {
    const std::string message = absl::StrCat("cannot open ", path, ": ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::InvalidArgumentError(message);
  }
  if (S_ISDIR(information.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a directory; give a CSV file"));
  }
  GzipFile file(gzopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  }
  gzbuffer(file.get(), kBlockBytes);
  auto reader = std::make_unique<CsvReaderImpl>(path, std::move(file), information.st_size);
  DBN_RETURN_IF_ERROR(reader->SkipByteOrderMark());
  return reader;
}

}  // namespace deepbindnet
