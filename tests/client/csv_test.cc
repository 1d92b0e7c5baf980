#include "client/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/error.h"

namespace deepbindnet::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Records = std::vector<std::vector<std::string>>;

absl::StatusOr<Records> ReadAll(const std::string& text) {
  std::istringstream input(text);
  CsvReader reader(&input, "in.csv");
  Records records;
  std::vector<std::string> fields;
  for (;;) {
    DBN_CLIENT_ASSIGN_OR_RETURN(const bool found, reader.Next(&fields));
    if (!found) return records;
    records.push_back(fields);
  }
}

TEST(CsvReaderTest, ReadsQuotesSeparatorsAndLineEnds) {
  const auto records = ReadAll("a,b\r\n\"x,\"\"y\"\"\",\"two\nlines\"\n,last");
  ASSERT_TRUE(records.ok());
  EXPECT_THAT(*records,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("x,\"y\"", "two\nlines"), ElementsAre("", "last")));
}

TEST(CsvReaderTest, SkipsByteOrderMarkAndBlankLines) {
  const auto records = ReadAll("\xEF\xBB\xBFsmiles,n\n\nC,1\n\r\n");
  ASSERT_TRUE(records.ok());
  EXPECT_THAT(*records, ElementsAre(ElementsAre("smiles", "n"), ElementsAre("C", "1")));
}

TEST(CsvReaderTest, NamesTheLineOfAShortRecord) {
  const auto records = ReadAll("a,b\n\"1\n\",2\n3");
  EXPECT_EQ(GetExitCode(records.status()), ExitCode::kUsage);
  EXPECT_EQ(records.status().message(), "in.csv line 4: has 1 of the header's 2 fields; is the file truncated?");
}

TEST(CsvReaderTest, NamesTheLineOfAnOpenQuote) {
  const auto records = ReadAll("a,b\n1,\"2\n");
  EXPECT_EQ(GetExitCode(records.status()), ExitCode::kUsage);
  EXPECT_THAT(std::string(records.status().message()), HasSubstr("in.csv line 2: a quoted field is not closed"));
}

TEST(CsvReaderTest, FindsNothingInAnEmptyFile) {
  const auto records = ReadAll("");
  ASSERT_TRUE(records.ok());
  EXPECT_TRUE(records->empty());
}

TEST(CsvLineTest, QuotesOnlyWhereItHasTo) {
  EXPECT_EQ(CsvLine({"plain", "a,b", "say \"hi\"", "two\nlines", ""}),
            "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
}

TEST(CsvLineTest, ReadsBackWhatItWrote) {
  const std::vector<std::string> fields = {"C[C@H](N)C(=O)O", "a,\"b\"\r\nc", "", " x "};
  const auto records = ReadAll(CsvLine(fields));
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(records->at(0), fields);
}

}  // namespace
}  // namespace deepbindnet::client
