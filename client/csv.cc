#include "client/csv.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/error.h"

namespace deepbindnet::client {
namespace {

constexpr int kEnd = std::istream::traits_type::eof();

}  // namespace

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>* fields) {
  if (record_line_ == 0) SkipByteOrderMark();
  do {
    DBN_CLIENT_ASSIGN_OR_RETURN(const bool found, ReadRecord(fields));
    if (!found) return false;
  } while (fields->size() == 1 && absl::StripAsciiWhitespace((*fields)[0]).empty());
  if (columns_ == 0) columns_ = fields->size();
  if (fields->size() != columns_) {
    return UsageError(absl::StrCat(name_, " line ", record_line_, ": has ", fields->size(), " of the header's ",
                                   columns_, " fields; is the file truncated?"));
  }
  return true;
}

void CsvReader::SkipByteOrderMark() {
  for (const int byte : {0xEF, 0xBB, 0xBF}) {
    if (input_->peek() != byte) return;
    input_->get();
  }
}

absl::StatusOr<bool> CsvReader::ReadRecord(std::vector<std::string>* fields) {
  fields->clear();
  record_line_ = line_;
  if (input_->peek() == kEnd) return false;
  std::string field;
  for (;;) {
    const int c = input_->get();
    if (c == '"' && field.empty()) {
      DBN_CLIENT_RETURN_IF_ERROR(ReadQuoted(&field));
      continue;
    }
    if (c == ',') {
      fields->push_back(std::move(field));
      field.clear();
      continue;
    }
    if (c == '\r' && input_->peek() == '\n') continue;
    if (c == '\n' || c == kEnd) {
      ++line_;
      fields->push_back(std::move(field));
      return true;
    }
    field.push_back(static_cast<char>(c));
  }
}

absl::Status CsvReader::ReadQuoted(std::string* field) {
  const int64_t opened = line_;
  for (;;) {
    const int c = input_->get();
    if (c == kEnd) {
      return UsageError(
          absl::StrCat(name_, " line ", opened, ": a quoted field is not closed; is the file truncated?"));
    }
    if (c == '"') {
      if (input_->peek() != '"') return absl::OkStatus();
      input_->get();
    }
    if (c == '\n') ++line_;
    field->push_back(static_cast<char>(c));
  }
}

std::string QuoteCsv(absl::string_view field) {
  if (field.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) absl::StrAppend(&line, i == 0 ? "" : ",", QuoteCsv(fields[i]));
  return line + "\n";
}

}  // namespace deepbindnet::client
