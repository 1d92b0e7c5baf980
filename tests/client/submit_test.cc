// train, datasets prepare and compare whose answer gets lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SubmitTest : public CliTest {
 protected:
  // The first `losses` answers to StartTraining, Compare and PrepareDataset end with `code`; then the job is accepted.
  void LoseAnswers(int losses, grpc::StatusCode code) {
    service_.start_training = [=](const v1::StartTrainingRequest& request, v1::Job* job) {
      return Accept(request.request_id(), losses, code, job);
    };
    service_.compare = [=](const v1::CompareRequest& request, v1::Job* job) {
      return Accept(request.request_id(), losses, code, job);
    };
    service_.prepare = [=](const v1::PrepareDatasetRequest::Header& header, v1::Job* job) {
      return Accept(header.request_id(), losses, code, job);
    };
  }

  grpc::Status Accept(const std::string& request_id, int losses, grpc::StatusCode code, v1::Job* job) {
    request_ids_.push_back(request_id);
    if (static_cast<int>(request_ids_.size()) <= losses) return grpc::Status(code, "Socket closed");
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  }

  // What a user types to make a job, without waiting for its end.
  std::vector<std::vector<std::string>> Commands() const {
    return {{"train", "--dataset", "d", "--name", "m", "--detach"},
            {"compare", "--models", "a", "b", "--dataset", "d", "--detach"},
            {"datasets", "prepare", Write("data.csv", "smiles,sequence,y\n"), "--name", "d", "--detach"}};
  }

  std::vector<std::string> request_ids_;  // Of every call, in order.
};

TEST_F(SubmitTest, ALostAnswerIsAskedForOnceMoreWithTheSameRequestId) {
  for (const grpc::StatusCode code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    for (const std::vector<std::string>& command : Commands()) {
      request_ids_.clear();
      LoseAnswers(1, code);
      EXPECT_EQ(Run(command), ExitCode::kDone) << command[0] << ": " << err_.str();
      ASSERT_EQ(request_ids_.size(), 2u);
      EXPECT_NE(request_ids_[0], "");
      EXPECT_EQ(request_ids_[1], request_ids_[0]);
      EXPECT_THAT(err_.str(), HasSubstr("trying once more"));
    }
  }
}

TEST_F(SubmitTest, ASecondLossSaysHowToRepeat) {
  for (const std::vector<std::string>& command : Commands()) {
    request_ids_.clear();
    LoseAnswers(9, grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(Run(command), ExitCode::kUnreachable) << command[0];
    ASSERT_EQ(request_ids_.size(), 2u);
    EXPECT_THAT(err_.str(), HasSubstr("repeat with --request-id " + request_ids_[0]));
  }
}

TEST_F(SubmitTest, ARefusalIsNotRepeated) {
  LoseAnswers(9, grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--request-id", "r"}), ExitCode::kFailed);
  EXPECT_THAT(request_ids_, ElementsAre("r"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("--request-id")));
}

TEST_F(SubmitTest, ACallThatWasNotSentIsNotRepeated) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", "127.0.0.1:1", "train", "--dataset", "d", "--name", "m"}, &console, nullptr),
            ExitCode::kUnreachable);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("not reachable"), Not(HasSubstr("--request-id"))));
}

}  // namespace
}  // namespace deepbindnet::client
