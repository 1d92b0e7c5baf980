#include "client/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_service.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(FromGrpcTest, ARefusedConnectionNamesTheServerAndTheRemedy) {
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE,
                            "failed to connect to all addresses; last error: UNKNOWN: "
                            "ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused"),
               "127.0.0.1:1");
  EXPECT_EQ(GetExitCode(status), ExitCode::kUnreachable);
  EXPECT_TRUE(IsConnectionLoss(status));
  EXPECT_THAT(ErrorLine(status), AllOf(HasSubstr("server 127.0.0.1:1 is not reachable (Connection refused)"),
                                       HasSubstr("--server HOST:PORT")));
}

TEST(FromGrpcTest, AnAnswerKeepsItsMessageReasonAndMetadata) {
  const absl::Status status =
      FromGrpc(ErrorWithInfo(grpc::StatusCode::NOT_FOUND, "data set kibba: there is none; there are: kiba",
                             "DATASET_NOT_FOUND", {{"dataset", "kibba"}}),
               "h:1");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(GetExitCode(status), ExitCode::kFailed);
  EXPECT_FALSE(IsConnectionLoss(status));
  EXPECT_EQ(ErrorLine(status), "data set kibba: there is none; there are: kiba");
  EXPECT_EQ(ErrorJson(status).dump(),
            R"({"type":"error","code":"NOT_FOUND","reason":"DATASET_NOT_FOUND","metadata":{"dataset":"kibba"},)"
            R"("message":"data set kibba: there is none; there are: kiba"})");
}

TEST(FromGrpcTest, AServerThatDrainsIsWorthComingBackTo) {
  const absl::Status status =
      FromGrpc(ErrorWithInfo(grpc::StatusCode::UNAVAILABLE, "the server is shutting down", "SHUTTING_DOWN"), "h:1");
  EXPECT_TRUE(IsConnectionLoss(status));
  EXPECT_EQ(GetExitCode(status), ExitCode::kUnreachable);
  EXPECT_EQ(ErrorLine(status), "the server is shutting down");
}

TEST(FromGrpcTest, AStreamThatBreaksOffIsAConnectionLoss) {
  EXPECT_TRUE(IsConnectionLoss(FromGrpc(grpc::Status(grpc::StatusCode::UNKNOWN, "Stream removed"), "h:1")));
  EXPECT_TRUE(IsConnectionLoss(FromGrpc(grpc::Status(grpc::StatusCode::CANCELLED, "CANCELLED"), "h:1")));
  EXPECT_FALSE(IsConnectionLoss(FromGrpc(grpc::Status(grpc::StatusCode::UNKNOWN, "oops"), "h:1")));
}

TEST(FromGrpcTest, ReadsTheRetryDelay) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(250000000);
  google::rpc::Status details;
  details.add_details()->PackFrom(retry);
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", details.SerializeAsString()), "h:1");
  EXPECT_EQ(GetRetryDelay(status), absl::Milliseconds(250));
}

TEST(ErrorLineTest, AddsFieldAndValueThatTheMessageLeavesOut) {
  const absl::Status status = FromGrpc(ErrorWithInfo(grpc::StatusCode::INVALID_ARGUMENT, "out of range",
                                                     "INVALID_FIELD", {{"field", "lr"}, {"value", "7"}}),
                                       "h:1");
  EXPECT_EQ(ErrorLine(status), "out of range (field: lr) (value: 7)");
}

TEST(ErrorLineTest, AddsTheRolesOfACallThatIsNotAllowed) {
  const absl::Status status = FromGrpc(ErrorWithInfo(grpc::StatusCode::PERMISSION_DENIED, "not allowed", "ROLE_TOO_LOW",
                                                     {{"role", "VIEWER"}, {"required_role", "SUBMITTER"}}),
                                       "h:1");
  EXPECT_EQ(ErrorLine(status), "not allowed (role: VIEWER) (required_role: SUBMITTER)");
  EXPECT_EQ(GetExitCode(status), ExitCode::kFailed);
}

TEST(ErrorLineTest, IsOneLineAndNeverEmpty) {
  EXPECT_EQ(ErrorLine(absl::InternalError("one\n  two\r\nthree")), "one   two three");
  EXPECT_EQ(ErrorLine(absl::InternalError("")), "the server answered INTERNAL");
}

TEST(FromGrpcTest, TellsALostAnswerFromACallThatWasNotSent) {
  EXPECT_TRUE(IsAnswerLost(FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed"), "h:1")));
  EXPECT_TRUE(IsAnswerLost(FromGrpc(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "late"), "h:1")));
  EXPECT_FALSE(
      IsAnswerLost(FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "failed to connect to all addresses"), "h:1")));
  EXPECT_FALSE(IsAnswerLost(FromGrpc(grpc::Status(grpc::StatusCode::NOT_FOUND, "none"), "h:1")));
  EXPECT_FALSE(IsAnswerLost(absl::OkStatus()));
}

TEST(FromGrpcTest, ANameThatDoesNotResolveWasNotSent) {
  const grpc::Status answer(grpc::StatusCode::UNAVAILABLE, "DNS resolution failed for nowhere.invalid:1: not found");
  EXPECT_FALSE(IsAnswerLost(FromGrpc(answer, "nowhere.invalid:1")));
}

TEST(AppendMessageTest, KeepsCodeAndDetails) {
  const absl::Status status = AppendMessage(UsageError("wrong"), "; do it right");
  EXPECT_EQ(status.message(), "wrong; do it right");
  EXPECT_EQ(GetExitCode(status), ExitCode::kUsage);
}

TEST(GetExitCodeTest, AFieldThatTheServerFindsWrongIsWrongUsage) {
  const std::map<std::string, std::string> field = {{"field", "lr"}};
  const auto code = [](grpc::StatusCode code, const std::map<std::string, std::string>& metadata) {
    return GetExitCode(FromGrpc(ErrorWithInfo(code, "m", "REASON", metadata), "h:1"));
  };
  EXPECT_EQ(code(grpc::StatusCode::INVALID_ARGUMENT, field), ExitCode::kUsage);
  EXPECT_EQ(code(grpc::StatusCode::INVALID_ARGUMENT, {}), ExitCode::kFailed);
  EXPECT_EQ(code(grpc::StatusCode::NOT_FOUND, field), ExitCode::kFailed);
}

TEST(GetExitCodeTest, FollowsTheKindOfError) {
  EXPECT_EQ(GetExitCode(absl::OkStatus()), ExitCode::kDone);
  EXPECT_EQ(GetExitCode(UsageError("x")), ExitCode::kUsage);
  EXPECT_EQ(GetExitCode(InterruptedError("x")), ExitCode::kInterrupted);
  EXPECT_EQ(GetExitCode(absl::InvalidArgumentError("x")), ExitCode::kFailed);
  EXPECT_EQ(GetExitCode(JobEndError("x")), ExitCode::kFailed);
}

}  // namespace
}  // namespace deepbindnet::client
