#include "core/csv/feature_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/limits.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

TEST(FeatureTextTest, TheSameNumbersAreReadBack) {
  const std::vector<float> features = {0.1F, -1.0F / 3, 1.17549435e-38F, 3.40282347e38F, 1e-45F, 0.0F};
  ASSERT_OK_AND_ASSIGN(const std::vector<float> back, ParseFeatures(FormatFeatures(features)));
  EXPECT_EQ(back, features);
  EXPECT_EQ(FormatFeatures({1.0F, -2.5F}), "1 -2.5");
}

TEST(FeatureTextTest, AnyWhiteSpaceSeparates) {
  ASSERT_OK_AND_ASSIGN(const std::vector<float> features, ParseFeatures(" 1\t2e1\r\n  3 "));
  EXPECT_THAT(features, ElementsAre(1.0F, 20.0F, 3.0F));
}

TEST(FeatureTextTest, WordsThatAreNoFiniteNumberAreNamed) {
  for (const char* const text : {"1 x", "1 nan", "1 inf", "1 1e39", "1,2"}) {
    EXPECT_THAT(ParseFeatures(text),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "is no finite number"))
        << text;
  }
  EXPECT_THAT(ParseFeatures(" "), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "has no number"));
}

TEST(FeatureTextTest, TheDimensionIsBounded) {
  std::string text;
  for (int i = 0; i < kMaxProteinFeatureDim; ++i) text += "1 ";
  EXPECT_THAT(ParseFeatures(text), IsOk());
  EXPECT_THAT(ParseFeatures(text + "1"),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "has more than 16384 numbers"));
}

}  // namespace
}  // namespace deepbindnet
