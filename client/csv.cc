#include "client/csv.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "client/error.h"

namespace deepbindnet::client {
namespace {

constexpr int kEnd = -1;
constexpr unsigned kBlockBytes = 1 << 18;

// At the beginning of `file`.
void SkipByteOrderMark(gzFile file) {
  constexpr absl::string_view kMark = "\xEF\xBB\xBF";
  std::array<char, kMark.size()> first{};
  gzread(file, first.data(), first.size());
  if (absl::string_view(first.data(), first.size()) != kMark) gzrewind(file);
}

std::string QuoteCsv(absl::string_view field) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

}  // namespace

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::Open(const std::string& path) {
  struct stat information {};
  if (stat(path.c_str(), &information) == 0 && S_ISDIR(information.st_mode)) {
    return UsageError(absl::StrCat(path, ": is a directory; give a CSV file"));
  }
  File file(gzopen(path.c_str(), "rbe"));
  if (file == nullptr) return UsageError(absl::StrCat(path, ": cannot be read (", std::strerror(errno), ")"));
  gzbuffer(file.get(), kBlockBytes);
  SkipByteOrderMark(file.get());
  return std::unique_ptr<CsvReader>(new CsvReader(path, std::move(file)));
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>* fields) {
  while (next_ == '\r' || next_ == '\n') TakeLineEnd();
  if (next_ == kEnd) {
    CLIENT_RETURN_IF_ERROR(CheckEnd());
    return false;
  }
  row_line_ = line_;
  row_bytes_ = 0;
  CLIENT_RETURN_IF_ERROR(ReadRow(fields));
  return true;
}

int CsvReader::Take() {
  const int taken = next_;
  next_ = gzgetc(file_.get());
  ++row_bytes_;
  return taken;
}

void CsvReader::TakeLineEnd() {
  if (Take() == '\r' && next_ == '\n') Take();
  ++line_;
}

absl::Status CsvReader::ReadRow(std::vector<std::string>* fields) {
  fields->clear();
  do {
    if (!fields->empty()) Take();  // The comma.
    fields->emplace_back();
    CLIENT_RETURN_IF_ERROR(ReadField(&fields->back()));
  } while (next_ == ',');
  ended_ = next_ != kEnd;
  if (!ended_) return CheckEnd();
  TakeLineEnd();
  return absl::OkStatus();
}

absl::Status CsvReader::ReadField(std::string* field) {
  if (next_ == '"') CLIENT_RETURN_IF_ERROR(ReadQuoted(field));
  while (next_ != ',' && next_ != '\r' && next_ != '\n' && next_ != kEnd) {
    CLIENT_RETURN_IF_ERROR(CheckNotTooLong());
    field->push_back(static_cast<char>(Take()));
  }
  return absl::OkStatus();
}

absl::Status CsvReader::ReadQuoted(std::string* field) {
  const int64_t opened = line_;
  Take();
  for (;;) {
    if (next_ == kEnd) {
      CLIENT_RETURN_IF_ERROR(CheckEnd());
      return Error(opened, "a quote (\") is opened here and never closed; is the file truncated?");
    }
    CLIENT_RETURN_IF_ERROR(CheckNotTooLong());
    const char c = static_cast<char>(Take());
    if (c == '"') {
      if (next_ != '"') return absl::OkStatus();
      Take();
    }
    if (c == '\n') ++line_;
    field->push_back(c);
  }
}

absl::Status CsvReader::CheckNotTooLong() const {
  if (row_bytes_ <= kMaxCsvRowBytes) return absl::OkStatus();
  return Error(row_line_, absl::StrCat("the row that begins here has more than ", kMaxCsvRowBytes,
                                       " bytes; is a quote (\") opened and not closed?"));
}

absl::Status CsvReader::CheckEnd() const {
  int code = Z_OK;
  const char* const message = gzerror(file_.get(), &code);
  if (code == Z_OK) return absl::OkStatus();
  if (code == Z_ERRNO) return UsageError(absl::StrCat(path_, ": cannot be read (", std::strerror(errno), ")"));
  return Error(line_, absl::StrCat("the gzip data are damaged or cut off (", message, "); give the whole file"));
}

absl::Status CsvReader::Error(int64_t line, absl::string_view problem) const {
  return UsageError(absl::StrCat(path_, ": line ", line, ": ", problem));
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) absl::StrAppend(&line, i == 0 ? "" : ",", QuoteCsv(fields[i]));
  return line + "\n";
}

}  // namespace deepbindnet::client
