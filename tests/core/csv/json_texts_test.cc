#include "core/csv/json_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

void ExpectRefused(const std::string& json, const std::string& message) {
  EXPECT_THAT(ParseJsonTexts(json), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message));
}

TEST(ParseJsonTextsTest, KeepsTheOrderOfTheFile) {
  ASSERT_OK_AND_ASSIGN(const JsonTexts texts, ParseJsonTexts(R"( {"z": "1", "a": "\u00e9", "m": ""} )"));
  EXPECT_THAT(texts, ElementsAre(Pair("z", "1"), Pair("a", "\xC3\xA9"), Pair("m", "")));
}

TEST(ParseJsonTextsTest, SaysWhatIsNoText) {
  ExpectRefused("", "is no JSON");
  ExpectRefused(R"({"a": "1")", "is no JSON");
  ExpectRefused(R"({"a": "1"} x)", "is no JSON");
  ExpectRefused("{\"a\": \"\xFF\"}", "is no JSON");
  ExpectRefused("[]", "holds a list; give an object of id and text");
  ExpectRefused("\"a\"", "holds a text; give an object of id and text");
  ExpectRefused("{}", "has no entries");
  ExpectRefused(R"({"a": "1", "b": null})", "has null at 'b'; every entry is a text");
  ExpectRefused(R"({"a": {"b": "1"}})", "has an object at 'a'");
  ExpectRefused(R"({"a": ["b"]})", "has a list at 'a'");
}

TEST(ParseJsonTextsTest, ANameStandsOnce) {
  ExpectRefused(R"({"a": "1", "b": "2", "a": "1"})", "has the name 'a' twice; give each id once");
}

}  // namespace
}  // namespace deepbindnet
