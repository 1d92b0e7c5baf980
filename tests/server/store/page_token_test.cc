#include "server/store/page_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

TEST(PageTokenTest, GivesTheKeyBack) {
  for (const char* key : {"", "42", "a:b", "name with \xc3\xa9"}) {
    ASSERT_OK_AND_ASSIGN(const std::string decoded, DecodePageToken("jobs", EncodePageToken("jobs", key)));
    EXPECT_EQ(decoded, key);
  }
}

TEST(PageTokenTest, RefusesWhatIsNoTokenOfTheList) {
  for (const std::string& token : {std::string("?"), std::string("abc"), EncodePageToken("models", "42")}) {
    EXPECT_THAT(DecodePageToken("jobs", token),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_token"));
  }
}

TEST(PageSizeTest, DefaultsToFiftyAndEndsAtThousand) {
  EXPECT_EQ(*PageSize(0), 50);
  EXPECT_EQ(*PageSize(1), 1);
  EXPECT_EQ(*PageSize(1000), 1000);
  EXPECT_THAT(PageSize(1001), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_size: 1001"));
}

}  // namespace
}  // namespace deepbindnet
