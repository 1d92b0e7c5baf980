#include "core/data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

TEST(SplitMethodTest, NamesAreReadBack) {
  for (const SplitMethod method : {SplitMethod::kRandom, SplitMethod::kColdDrug, SplitMethod::kColdTarget,
                                   SplitMethod::kColdBoth, SplitMethod::kScaffold, SplitMethod::kColumn}) {
    EXPECT_EQ(ParseSplitMethod(SplitMethodName(method)).value(), method);
  }
}

TEST(SplitMethodTest, AnUnknownNameListsTheKnownOnes) {
  const absl::Status status = ParseSplitMethod("cold").status();
  EXPECT_EQ(GetReason(status), "INVALID_FIELD");
  EXPECT_THAT(std::string(status.message()), HasSubstr("cold_drug"));
}

TEST(ValidateSplitOptionsTest, DefaultsAreValid) { EXPECT_TRUE(ValidateSplitOptions({}).ok()); }

TEST(ValidateSplitOptionsTest, SharesAreInZeroToBelowOne) {
  const auto status_of = [](double test_size, double val_size) {
    SplitOptions options;
    options.test_size = test_size;
    options.val_size = val_size;
    return ValidateSplitOptions(options);
  };
  EXPECT_TRUE(status_of(0.0, 0.0).ok());
  EXPECT_TRUE(status_of(0.99, 0.99).ok());
  EXPECT_EQ(GetErrorMetadata(status_of(1.0, 0.1))["field"], "test_size");
  EXPECT_EQ(GetErrorMetadata(status_of(-0.1, 0.1))["field"], "test_size");
  EXPECT_EQ(GetErrorMetadata(status_of(0.1, 1.0))["field"], "val_size");
  EXPECT_EQ(GetErrorMetadata(status_of(0.1, std::numeric_limits<double>::quiet_NaN()))["field"], "val_size");
}

TEST(ValidateSplitOptionsTest, ColumnAndMethodGoTogether) {
  SplitOptions options;
  options.method = SplitMethod::kColumn;
  EXPECT_EQ(GetErrorMetadata(ValidateSplitOptions(options))["field"], "split_column");
  EXPECT_THAT(std::string(ValidateSplitOptions(options).message()),
              HasSubstr("split_column: (empty) names no column, which the split 'column' needs; name the one"));
  options.split_column = "fold";
  EXPECT_TRUE(ValidateSplitOptions(options).ok());
  options.method = SplitMethod::kRandom;
  EXPECT_EQ(GetErrorMetadata(ValidateSplitOptions(options))["field"], "split_column");
}

}  // namespace
}  // namespace deepbindnet
