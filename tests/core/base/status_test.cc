#include "core/base/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(StatusTest, ReasonIsTheCodeUntilOneIsAttached) {
  EXPECT_EQ(GetReason(absl::NotFoundError("no model")), "NOT_FOUND");
  EXPECT_EQ(GetReason(WithReason(absl::NotFoundError("no model"), "NO_SUCH_MODEL")), "NO_SUCH_MODEL");
}

TEST(StatusTest, WithReasonReplacesAnEarlierReasonAndItsMetadata) {
  const absl::Status first = WithReason(absl::InternalError("x"), "FIRST", {{"a", "1"}});
  const absl::Status second = WithReason(first, "SECOND", {{"b", "2"}});
  EXPECT_EQ(GetReason(second), "SECOND");
  EXPECT_THAT(GetErrorMetadata(second), ElementsAre(Pair("b", "2")));
}

TEST(StatusTest, WithReasonLeavesOkAlone) { EXPECT_TRUE(WithReason(absl::OkStatus(), "NEVER").ok()); }

TEST(StatusTest, MetadataKeepsEmptyValuesAndSeparators) {
  const std::string separated("a\0b\\000", 7);
  const ErrorMetadata metadata = {{"empty", ""}, {"text", separated}, {separated, "\xC3\xA9 \xFF\n"}};
  EXPECT_EQ(GetErrorMetadata(WithReason(absl::InternalError("x"), "R", metadata)), metadata);
  EXPECT_TRUE(GetErrorMetadata(absl::InternalError("x")).empty());
}

TEST(StatusTest, InvalidFieldNamesFieldValueAndRemedy) {
  const absl::Status status = InvalidField("lr", "7", "is not in (0, 1]; give a smaller one");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "lr: 7 is not in (0, 1]; give a smaller one");
  EXPECT_EQ(GetReason(status), "INVALID_FIELD");
  EXPECT_THAT(GetErrorMetadata(status), ElementsAre(Pair("field", "lr"), Pair("value", "7")));
}

TEST(StatusTest, InvalidFieldSaysThatAValueIsEmpty) {
  EXPECT_THAT(std::string(InvalidField("name", "", "is no name").message()), HasSubstr("(empty)"));
}

TEST(StatusTest, AnnotateKeepsCodeAndReason) {
  const absl::Status status = Annotate(WithReason(absl::DataLossError("bad"), "BAD_FILE", {{"file", "x"}}), "x.pt");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "x.pt: bad");
  EXPECT_EQ(GetReason(status), "BAD_FILE");
  EXPECT_THAT(GetErrorMetadata(status), ElementsAre(Pair("file", "x")));
  EXPECT_TRUE(Annotate(absl::OkStatus(), "x.pt").ok());
}

absl::StatusOr<std::unique_ptr<int>> MakeNumber(bool good) {
  if (!good) return absl::AbortedError("no number");
  return std::make_unique<int>(7);
}

absl::Status UseNumber(bool good, int* seen) {
  DBN_ASSIGN_OR_RETURN(const std::unique_ptr<int> number, MakeNumber(good));
  *seen = *number;
  return absl::OkStatus();
}

TEST(StatusTest, AssignOrReturnMovesTheValueOrReturnsTheError) {
  int seen = 0;
  EXPECT_TRUE(UseNumber(true, &seen).ok());
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(UseNumber(false, &seen), absl::AbortedError("no number"));
}

absl::Status StopAtError(const absl::Status& first, bool* reached) {
  DBN_RETURN_IF_ERROR(first);
  *reached = true;
  return absl::OkStatus();
}

TEST(StatusTest, ReturnIfErrorStopsAtAnErrorOnly) {
  bool reached = false;
  EXPECT_EQ(StopAtError(absl::AbortedError("stop"), &reached), absl::AbortedError("stop"));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(StopAtError(absl::OkStatus(), &reached).ok());
  EXPECT_TRUE(reached);
}

}  // namespace
}  // namespace deepbindnet
