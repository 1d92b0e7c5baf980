#include "core/base/csv_field.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace deepbindnet {
namespace {

TEST(AppendCsvFieldTest, QuotesOnlyWhereItMust) {
  std::string line = "1,";
  AppendCsvField("plain text", &line);
  EXPECT_EQ(line, "1,plain text");
  for (const auto& [field, expected] : {std::pair<const char*, const char*>{"a,b", "\"a,b\""},
                                        {"say \"x\"", "\"say \"\"x\"\"\""},
                                        {"two\nlines", "\"two\nlines\""},
                                        {"two\rlines", "\"two\rlines\""},
                                        {"", ""}}) {
    line.clear();
    AppendCsvField(field, &line);
    EXPECT_EQ(line, expected);
  }
}

TEST(CsvLineTest, JoinsQuotedFields) {
  EXPECT_EQ(CsvLine({"plain", "a,b", ""}), "plain,\"a,b\",\n");
  EXPECT_EQ(CsvLine({"", ""}), ",\n");
  EXPECT_EQ(CsvLine({"one"}), "one\n");
}

}  // namespace
}  // namespace deepbindnet
