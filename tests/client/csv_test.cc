#include "client/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/error.h"
#include "core/csv/csv_reader.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Fields = std::vector<std::string>;

absl::StatusOr<std::vector<Fields>> ReadAll(const std::string& path) {
  CLIENT_ASSIGN_OR_RETURN(const std::unique_ptr<CsvReader> reader, CsvReader::Open(path));
  std::vector<Fields> rows;
  Fields fields;
  for (;;) {
    CLIENT_ASSIGN_OR_RETURN(const bool found, reader->Next(&fields));
    if (!found) return rows;
    rows.push_back(fields);
  }
}

// As the service reads the same file.
std::vector<Fields> ReadAllAsTheService(const std::string& path) {
  const auto reader = deepbindnet::CsvReader::Open(path).value();
  std::vector<Fields> rows;
  CsvRow row;
  while (reader->Next(&row).value()) rows.push_back(row.fields);
  return rows;
}

class CsvTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<Fields>> Read(const std::string& contents) {
    return ReadAll(dir_.Write("in.csv", contents));
  }
  std::string ErrorOf(const std::string& contents) {
    const absl::Status status = Read(contents).status();
    EXPECT_EQ(GetExitCode(status), ExitCode::kUsage);
    return std::string(status.message());
  }
  std::string WriteGzip(const std::string& contents) {
    const std::string path = dir_ / "in.csv.gz";
    const gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, contents.data(), static_cast<unsigned>(contents.size()));
    gzclose(file);
    return path;
  }

  const TempDir dir_;
};

TEST_F(CsvTest, EveryFileIsReadAsTheServiceReadsIt) {
  for (const std::string contents :
       {"a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2\r",
        "\xEF\xBB\xBF"
        "a,b\n1,2",
        "\xEF\xBBx,b\n1,2", "\xEF", "\n\na,b\n\r\n\n1,2\n\n", "a,b\n\"x,\"\"y\"\"\",\"two\r\nlines\"\n,last",
        "\"\",\"\"\n,\n", "5\",\"a\"b\n", " a , b \n", "", "\n"}) {
    const std::string path = dir_.Write("in.csv", contents);
    const auto rows = ReadAll(path);
    ASSERT_TRUE(rows.ok()) << rows.status();
    EXPECT_EQ(*rows, ReadAllAsTheService(path)) << contents;
  }
}

TEST_F(CsvTest, QuotesSeparatorsAndLineEndsAreRead) {
  const auto rows = Read("a,b\r\n\"x,\"\"y\"\"\",\"two\nlines\"\n,last");
  ASSERT_TRUE(rows.ok());
  EXPECT_THAT(*rows, ElementsAre(Fields{"a", "b"}, Fields{"x,\"y\"", "two\nlines"}, Fields{"", "last"}));
}

TEST_F(CsvTest, ARowKnowsItsLineAndWhetherTheFileStopsInIt) {
  const auto reader = CsvReader::Open(dir_.Write("in.csv", "a,b\n\"1\n\",2\n3")).value();
  Fields fields;
  const std::vector<std::pair<int64_t, bool>> expected = {{1, true}, {2, true}, {4, false}};
  for (const auto& [line, ends_with_newline] : expected) {
    ASSERT_TRUE(reader->Next(&fields).value());
    EXPECT_EQ(reader->line(), line);
    EXPECT_EQ(reader->ends_with_newline(), ends_with_newline);
  }
  EXPECT_EQ(fields, Fields{"3"});
}

TEST_F(CsvTest, AnOpenQuoteIsAnErrorThatNamesItsLine) {
  EXPECT_THAT(ErrorOf("a,b\n1,\"2\n"), HasSubstr("in.csv: line 2: a quote (\") is opened here and never closed"));
}

TEST_F(CsvTest, AnOpenQuoteInALargeFileIsFoundEarly) {
  EXPECT_THAT(ErrorOf("a,b\n1,\"" + std::string(2 * kMaxCsvRowBytes, 'x')),
              HasSubstr("line 2: the row that begins here has more than 1048576 bytes"));
}

TEST_F(CsvTest, AGzippedFileIsReadWhateverItsName) {
  const std::string path = WriteGzip("a,b\n1,2\n");
  std::filesystem::rename(path, dir_ / "plain.csv");
  EXPECT_THAT(ReadAll(dir_ / "plain.csv").value(), ElementsAre(Fields{"a", "b"}, Fields{"1", "2"}));
}

TEST_F(CsvTest, ACutOffGzippedFileIsAnError) {
  std::string contents;
  for (int i = 0; i < 100000; ++i) contents += std::to_string(i * 7919 % 100003) + "\n";
  const std::string path = WriteGzip(contents);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const absl::Status status = ReadAll(path).status();
  EXPECT_EQ(GetExitCode(status), ExitCode::kUsage);
  EXPECT_THAT(std::string(status.message()), HasSubstr("in.csv.gz: line "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("damaged or cut off"));
}

TEST_F(CsvTest, MissingFilesAndDirectoriesAreErrors) {
  EXPECT_THAT(std::string(ReadAll(dir_ / "none.csv").status().message()), HasSubstr("none.csv: cannot be read"));
  EXPECT_THAT(std::string(ReadAll(dir_.path()).status().message()), HasSubstr("is a directory; give a CSV file"));
}

TEST(CsvLineTest, QuotesOnlyWhereItHasTo) {
  EXPECT_EQ(CsvLine({"plain", "a,b", "say \"hi\"", "two\nlines", ""}),
            "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
}

TEST_F(CsvTest, WhatIsWrittenIsReadBack) {
  const Fields fields = {"C[C@H](N)C(=O)O", "a,\"b\"\r\nc", "", " x "};
  EXPECT_EQ(Read(CsvLine(fields)).value().at(0), fields);
}

}  // namespace
}  // namespace deepbindnet::client
