#include "core/base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace deepbindnet {
namespace {

TEST(Utf8CharacterBytesTest, KnowsEveryLength) {
  EXPECT_EQ(Utf8CharacterBytes("ab"), 1u);
  EXPECT_EQ(Utf8CharacterBytes("\xC3\xA9z"), 2u);
  EXPECT_EQ(Utf8CharacterBytes("\xE4\xBA\xB2z"), 3u);
  EXPECT_EQ(Utf8CharacterBytes("\xF0\x9F\x92\x8Az"), 4u);
  EXPECT_EQ(Utf8CharacterBytes(absl::string_view("\0", 1)), 1u);
}

TEST(Utf8CharacterBytesTest, RefusesWhatIsNoCharacter) {
  for (const char* text : {"", "\x80", "\xC3", "\xC3z", "\xE4\xBA", "\xF0\x9F\x92", "\xFF"}) {
    EXPECT_EQ(Utf8CharacterBytes(text), 0u) << text;
  }
  // Longer than needed, a surrogate, beyond U+10FFFF.
  for (const char* text :
       {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5"}) {
    EXPECT_EQ(Utf8CharacterBytes(text), 0u) << text;
  }
}

TEST(ShowTextTest, KeepsCharactersAndEscapesTheRest) {
  EXPECT_EQ(ShowText("pKd \xE4\xBA\xB2\xE5\x92\x8C", 40), "pKd \xE4\xBA\xB2\xE5\x92\x8C");
  EXPECT_EQ(ShowText(absl::string_view("a\n'\"\0", 5), 40), "a\\n\\'\\\"\\000");
  EXPECT_EQ(ShowText("\xff\xE4\xBA", 40), "\\377\\344\\272");
}

TEST(ShowTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(ShowText("\xE4\xBA\xB2\xE5\x92\x8C\xE5\x8A\x9B", 2), "\xE4\xBA\xB2\xE5\x92\x8C");
  EXPECT_EQ(ShowText(std::string(50, 'x'), 40), std::string(40, 'x'));
}

}  // namespace
}  // namespace deepbindnet
