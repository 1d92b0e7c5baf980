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

}  // namespace
}  // namespace deepbindnet
