#include "server/logging/logging.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace deepbindnet {
namespace {

TEST(LoggingTest, TextHasFieldsAfterTheMessage) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "T", "info", "started", {{"job_id", "j1"}, {"why", "two words"}}),
            "T info started job_id=j1 why=\"two words\"");
}

TEST(LoggingTest, TextStaysOnOneLine) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "T", "info", "a\nb", {{"f", "c\nd"}}), "T info a\\nb f=\"c\\nd\"");
}

TEST(LoggingTest, JsonIsOneObject) {
  const auto object =
      nlohmann::json::parse(FormatLogLine(LogFormat::kJson, "T", "error", "quote \" and\nline", {{"job_id", "j1"}}));
  EXPECT_EQ(object.at("time"), "T");
  EXPECT_EQ(object.at("level"), "error");
  EXPECT_EQ(object.at("message"), "quote \" and\nline");
  EXPECT_EQ(object.at("job_id"), "j1");
}

TEST(LoggingTest, BytesThatAreNotUtf8DoNotStopIt) {
  const std::string line = FormatLogLine(LogFormat::kJson, "T", "info", "\xFF", {{"f", "\xC3"}});
  EXPECT_TRUE(nlohmann::json::parse(line).at("f").is_string());
  EXPECT_NE(FormatLogLine(LogFormat::kText, "T", "info", "m", {{"f", "\xFF x"}}), "");
}

}  // namespace
}  // namespace deepbindnet
