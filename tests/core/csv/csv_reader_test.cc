#include "core/csv/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/csv_field.h"
#include "core/base/file.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Fields = std::vector<std::string>;

// All rows of a file; stops at an error.
absl::StatusOr<std::vector<CsvRow>> ReadAll(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(const std::unique_ptr<CsvReader> reader, CsvReader::Open(path));
  std::vector<CsvRow> rows;
  CsvRow row;
  while (true) {
    DBN_ASSIGN_OR_RETURN(const bool more, reader->Next(&row));
    if (!more) return rows;
    rows.push_back(row);
  }
}

class CsvReaderTest : public ::testing::Test {
 protected:
  std::vector<Fields> FieldsOf(const std::string& contents) {
    std::vector<Fields> fields;
    const std::vector<CsvRow> rows = ReadAll(dir_.Write("x.csv", contents)).value();
    for (const CsvRow& row : rows) fields.push_back(row.fields);
    return fields;
  }
  absl::Status ErrorOf(const std::string& contents) { return ReadAll(dir_.Write("x.csv", contents)).status(); }

  std::string WriteGzip(const std::string& contents) {
    const std::string path = dir_ / "x.csv.gz";
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, contents.data(), static_cast<unsigned>(contents.size()));
    gzclose(file);
    return path;
  }

  const TempDir dir_;
};

TEST_F(CsvReaderTest, RowsAndFieldsAreDivided) {
  EXPECT_THAT(FieldsOf("a,b\n1,2\n3,4\n"), ElementsAre(Fields{"a", "b"}, Fields{"1", "2"}, Fields{"3", "4"}));
}

TEST_F(CsvReaderTest, EmptyFieldsStay) {
  EXPECT_THAT(FieldsOf(",\n,x,\n\"\",\"\"\n"), ElementsAre(Fields{"", ""}, Fields{"", "x", ""}, Fields{"", ""}));
}

TEST_F(CsvReaderTest, QuotedFieldsMayHoldCommasQuotesAndNewlines) {
  EXPECT_THAT(FieldsOf("\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\"\nx,y,z\n"),
              ElementsAre(Fields{"a,b", "say \"hi\"", "two\r\nlines"}, Fields{"x", "y", "z"}));
}

TEST_F(CsvReaderTest, QuotesInsideAFieldAreText) {
  EXPECT_THAT(FieldsOf("5\",\"a\"b\n"), ElementsAre(Fields{"5\"", "ab"}));
}

TEST_F(CsvReaderTest, EveryKindOfLineEndIsAccepted) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_THAT(FieldsOf(absl::StrCat("a,b", end, "1,2", end)), ElementsAre(Fields{"a", "b"}, Fields{"1", "2"}));
  }
}

TEST_F(CsvReaderTest, ByteOrderMarkIsSkipped) {
  EXPECT_THAT(FieldsOf("\xEF\xBB\xBFsmiles,y\n"), ElementsAre(Fields{"smiles", "y"}));
  EXPECT_THAT(FieldsOf("\xEF\xBB\xBF\"smiles\",y\n"), ElementsAre(Fields{"smiles", "y"}));
}

TEST_F(CsvReaderTest, EmptyLinesAreSkippedButCounted) {
  const auto rows = ReadAll(dir_.Write("x.csv", "\na\n\n\r\nb\n\n")).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_EQ(rows[1].line, 5);
}

TEST_F(CsvReaderTest, LinesCountNewlinesInQuotes) {
  const auto rows = ReadAll(dir_.Write("x.csv", "a,\"1\n2\n3\"\nb,c\n")).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].line, 1);
  EXPECT_EQ(rows[1].line, 4);
}

TEST_F(CsvReaderTest, TheLastRowNeedsNoNewlineAndSaysSo) {
  const auto rows = ReadAll(dir_.Write("x.csv", "a,b\n1,2")).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(rows[0].ends_with_newline);
  EXPECT_FALSE(rows[1].ends_with_newline);
  EXPECT_EQ(rows[1].fields, (Fields{"1", "2"}));
}

TEST_F(CsvReaderTest, AnEmptyFileHasNoRows) { EXPECT_TRUE(FieldsOf("").empty()); }

TEST_F(CsvReaderTest, RowsAcrossBlocksAreWhole) {
  std::string contents;
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&contents, i, ",\"", std::string(static_cast<size_t>(i % 700), 'q'), "\"\"\",", i * i, "\r\n");
  }
  const std::vector<Fields> rows = FieldsOf(contents);
  ASSERT_EQ(rows.size(), 3000u);
  for (int i = 0; i < 3000; ++i) {
    const Fields expected = {absl::StrCat(i), std::string(static_cast<size_t>(i % 700), 'q') + "\"",
                             absl::StrCat(i * i)};
    ASSERT_EQ(rows[static_cast<size_t>(i)], expected);
  }
}

TEST_F(CsvReaderTest, GzippedFilesAreReadWhateverTheirName) {
  const std::string path = WriteGzip("a,b\n1,2\n");
  EXPECT_EQ(ReadAll(path).value().size(), 2u);
  std::filesystem::rename(path, dir_ / "plain.csv");
  EXPECT_EQ(ReadAll(dir_ / "plain.csv").value()[1].fields, (Fields{"1", "2"}));
}

TEST_F(CsvReaderTest, ACutOffGzipFileIsAnErrorThatNamesTheFile) {
  std::string contents;
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&contents, i * 7919 % 100003, ",", i, "\n");
  const std::string path = WriteGzip(contents);
  const std::string whole = ReadFile(path).value();
  const absl::Status status = ReadAll(dir_.Write("cut.csv.gz", whole.substr(0, whole.size() / 2))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cut.csv.gz: line "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("damaged or cut off"));
}

TEST_F(CsvReaderTest, ADamagedGzipFileIsAnError) {
  std::string bytes = ReadFile(WriteGzip(std::string(10000, 'a') + ",b\n")).value();
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 0x55);  // In the checksum.
  EXPECT_EQ(ReadAll(dir_.Write("bad.gz", bytes)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(CsvReaderTest, AnUnclosedQuoteIsAnErrorThatNamesItsLine) {
  const absl::Status status = ErrorOf("a,b\n1,2\n3,\"4\n5,6\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("x.csv: line 3: a quote"));
}

TEST_F(CsvReaderTest, AnUnclosedQuoteInALargeFileIsFoundEarly) {
  const absl::Status status = ErrorOf("a,b\n\"" + std::string(kMaxCsvRowBytes + 1, 'x') + "\",1\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("line 2"));
}

TEST_F(CsvReaderTest, EveryByteOfARowCountsAndTheLimitIsExact) {
  const std::string quotes(kMaxCsvRowBytes - 2, '"');  // Doubled ones, between the outer two.
  EXPECT_EQ(FieldsOf(std::string(kMaxCsvRowBytes, 'x') + "\n").front().front().size(), kMaxCsvRowBytes);
  EXPECT_EQ(FieldsOf(std::string(kMaxCsvRowBytes, ',') + "\n").front().size(), kMaxCsvRowBytes + 1);
  EXPECT_EQ(FieldsOf("\"" + quotes + "\"\n").front().front().size(), quotes.size() / 2);
  for (const std::string& row : {std::string(kMaxCsvRowBytes + 1, 'x'), std::string(kMaxCsvRowBytes + 1, ','),
                                 "\"" + quotes + "\"x", "\"" + quotes + "\"\"\"", "\"\n\n\"" + quotes}) {
    const absl::Status status = ErrorOf("a,b\n" + row + "\n1,2\n");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("x.csv: line 2: the row that begins here has more than"));
  }
}

TEST_F(CsvReaderTest, MissingFilesAndDirectoriesAreErrors) {
  EXPECT_EQ(ReadAll(dir_ / "missing.csv").status().code(), absl::StatusCode::kNotFound);
  const absl::Status status = ReadAll(dir_.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is a directory"));
}

TEST_F(CsvReaderTest, ProgressEndsAtTheSizeOfTheFile) {
  const std::string path = dir_.Write("x.csv", "a,b\n1,2\n");
  const auto reader = CsvReader::Open(path).value();
  CsvRow row;
  while (reader->Next(&row).value()) {
  }
  EXPECT_EQ(reader->bytes_read(), 8);
  EXPECT_EQ(reader->bytes_total(), 8);
}

TEST(AppendCsvFieldTest, WhatItWritesIsReadBack) {
  const TempDir dir;
  const Fields fields = {"plain", "a,b", "say \"hi\"", "two\nlines", "", "cr\rhere"};
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    AppendCsvField(fields[i], &line);
  }
  EXPECT_EQ(ReadAll(dir.Write("x.csv", line + "\n")).value().front().fields, fields);
}

}  // namespace
}  // namespace deepbindnet
