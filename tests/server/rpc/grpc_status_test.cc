#include "server/rpc/grpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

TEST(GrpcStatusTest, OkHasNoDetails) {
  const grpc::Status status = ToGrpcStatus(absl::OkStatus());
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.error_details(), "");
}

TEST(GrpcStatusTest, ErrorCarriesReasonDomainAndMetadata) {
  const grpc::Status status = ToGrpcStatus(InvalidField("lr", "-1", "is not in (0, 1]"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "lr: -1 is not in (0, 1]");
  const google::rpc::Status details = DetailsOf(status);
  EXPECT_EQ(details.code(), 3);
  EXPECT_EQ(details.message(), status.error_message());
  ASSERT_EQ(details.details_size(), 1);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "INVALID_FIELD");
  EXPECT_EQ(info.domain(), "deepbindnet");
  EXPECT_EQ(info.metadata().at("field"), "lr");
  EXPECT_EQ(info.metadata().at("value"), "-1");
}

TEST(GrpcStatusTest, ReasonDefaultsToTheCode) {
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(DetailsOf(ToGrpcStatus(absl::NotFoundError("no"))).details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NOT_FOUND");
}

TEST(GrpcStatusTest, ResourceExhaustedSaysWhenToRetry) {
  const google::rpc::Status details = DetailsOf(ToGrpcStatus(absl::ResourceExhaustedError("full")));
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(1).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
}

TEST(GrpcStatusTest, EveryCodeKeepsItsNumber) {
  for (int code = 1; code <= 16; ++code) {
    EXPECT_EQ(ToGrpcStatus(absl::Status(static_cast<absl::StatusCode>(code), "m")).error_code(), code);
  }
}

TEST(GrpcStatusTest, LongErrorFitsTheMetadataLimit) {
  ErrorMetadata metadata;
  for (int i = 0; i < 100; ++i) metadata[std::string(1000, 'k') + std::to_string(i)] = std::string(10000, 'v');
  const grpc::Status status =
      ToGrpcStatus(WithReason(absl::InvalidArgumentError(std::string(100000, 'x')), std::string(1000, 'R'), metadata));
  // The message is percent-encoded (three bytes for one at worst), the details base64 (four for three).
  EXPECT_LT(status.error_message().size() * 3 + status.error_details().size() * 4 / 3, 8192);
}

TEST(WithoutTextTest, TakesTheTextOutOfMessageAndDetails) {
  const grpc::Status status = WithoutText(
      ToGrpcStatus(WithReason(absl::DataLossError("cannot read /data/x and /data/y"), "LOST", {{"file", "/data/x"}})),
      "/data/");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(status.error_message(), "cannot read x and y");
  const google::rpc::Status details = DetailsOf(status);
  EXPECT_EQ(details.message(), "cannot read x and y");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "LOST");
  EXPECT_EQ(info.metadata().at("file"), "x");
}

TEST(WithoutTextTest, LeavesOtherDetailsAlone) {
  const google::rpc::Status details =
      DetailsOf(WithoutText(ToGrpcStatus(absl::ResourceExhaustedError("full")), "/data/"));
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::RetryInfo retry;
  EXPECT_TRUE(details.details(1).UnpackTo(&retry));
}

TEST(ClipTextTest, ShortTextStays) {
  EXPECT_EQ(ClipText("", 10), "");
  EXPECT_EQ(ClipText("1234567890", 10), "1234567890");
}

TEST(ClipTextTest, LongTextEndsInDots) { EXPECT_EQ(ClipText("12345678901", 10), "1234567..."); }

TEST(ClipTextTest, CharactersAreNotCutApart) {
  EXPECT_EQ(ClipText("aaaa\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", 9), "aaaa\xC3\xA4...");
}

TEST(ClipTextTest, WhatIsNotUtf8BecomesQuestionMarks) {
  EXPECT_EQ(ClipText("a\xFF"
                     "b",
                     10),
            "a?b");
  EXPECT_EQ(ClipText("\xC3", 10), "?");            // Cut short.
  EXPECT_EQ(ClipText("\xC0\xAF", 10), "??");       // Overlong.
  EXPECT_EQ(ClipText("\xED\xA0\x80", 10), "???");  // Surrogate.
  EXPECT_EQ(ClipText("\xF0\x9F\x98\x80", 10), "\xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace deepbindnet
