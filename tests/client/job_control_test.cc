// jobs pause, resume and cancel against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

grpc::Status TooLate() {
  return ErrorWithInfo(grpc::StatusCode::FAILED_PRECONDITION, "job 1 has ended", "ILLEGAL_TRANSITION");
}

class JobControlTest : public CliTest {
 protected:
  // The job is RUNNING and then in `states`, one for each answer; the last one stays.
  void StatesAre(std::vector<v1::JobState> states) {
    states_ = std::move(states);
    service_.get_status = [this](v1::Job* job) {
      FillJob(states_.front(), 2, job);
      if (states_.size() > 1) states_.erase(states_.begin());
      return grpc::Status::OK;
    };
  }

  // Answers of PauseJob, ResumeJob and CancelJob, one a call.
  void Answer(std::vector<std::function<grpc::Status(v1::Job*)>> answers) {
    service_.pause = service_.resume = service_.cancel = [this, answers](const std::string& id, v1::Job* job) {
      asked_.push_back(id);
      return answers.at(asked_.size() - 1)(job);
    };
  }
  static std::function<grpc::Status(v1::Job*)> Accept(v1::JobState state) {
    return [state](v1::Job* job) {
      FillJob(state, 2, job);
      return grpc::Status::OK;
    };
  }
  static std::function<grpc::Status(v1::Job*)> Refuse(const grpc::Status& status) {
    return [status](v1::Job*) { return status; };
  }
  static std::function<grpc::Status(v1::Job*)> Lose() {
    return Refuse(grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed"));
  }

  std::vector<v1::JobState> states_;
  std::vector<std::string> asked_;  // Ids in the calls, in order.
};

TEST_F(JobControlTest, APauseIsWaitedForOverALostConnection) {
  StatesAre({v1::RUNNING, v1::PAUSED});
  Answer({Accept(v1::PAUSING)});
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    if (++call == 1) return {{}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")};
    return {{StateChange(3, v1::PAUSED)}, grpc::Status::OK};
  };
  EXPECT_EQ(Run({"jobs", "pause", "m"}), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), "1: paused\n");
  EXPECT_THAT(asked_, ElementsAre("1"));  // The id, which a name may not keep meaning.
  EXPECT_THAT(service_.watched_from(), ElementsAre(3, 3));
}

TEST_F(JobControlTest, ACancellationIsWaitedFor) {
  StatesAre({v1::RUNNING, v1::CANCELLED});
  Answer({Accept(v1::CANCELLING)});
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{StateChange(3, v1::CANCELLED)}, grpc::Status::OK}; };
  EXPECT_EQ(Run({"--json", "jobs", "cancel", "1"}), ExitCode::kDone) << err_.str();
  ASSERT_THAT(JsonLines(), SizeIs(1));
  EXPECT_EQ(JsonLines()[0]["state"], "CANCELLED");
}

TEST_F(JobControlTest, AQueuedJobIsNotWaitedFor) {
  StatesAre({v1::QUEUED});
  Answer({Accept(v1::PAUSED), Accept(v1::CANCELLED)});
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1: paused\n");
  EXPECT_EQ(Run({"jobs", "cancel", "1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1: cancelled\n");
  EXPECT_THAT(service_.watched_from(), IsEmpty());
}

TEST_F(JobControlTest, DetachAnswersAtOnce) {
  StatesAre({v1::RUNNING});
  Answer({Accept(v1::PAUSING), Accept(v1::CANCELLING)});
  EXPECT_EQ(Run({"jobs", "pause", "1", "--detach"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1: pausing\n");
  EXPECT_EQ(Run({"jobs", "cancel", "1", "--detach"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1: cancelling\n");
  EXPECT_THAT(service_.watched_from(), IsEmpty());
}

TEST_F(JobControlTest, AJobThatSucceedsFirstNeedsNoPauseButWasNotCancelled) {
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{StateChange(3, v1::SUCCEEDED)}, grpc::Status::OK}; };
  StatesAre({v1::RUNNING, v1::SUCCEEDED});
  Answer({Accept(v1::PAUSING), Accept(v1::CANCELLING)});
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1: succeeded\n");
  EXPECT_THAT(err_.str(), HasSubstr("note: job 1 succeeded before it was paused"));
  StatesAre({v1::RUNNING, v1::SUCCEEDED});
  EXPECT_EQ(Run({"jobs", "cancel", "1"}), ExitCode::kFailed);
  EXPECT_EQ(out_.str(), "1: succeeded\n");
  EXPECT_THAT(err_.str(), HasSubstr("error: job 1 succeeded before it was cancelled; what it made is there"));
}

TEST_F(JobControlTest, AJobThatFailsFirstIsExitCodeOneAndSaysWhy) {
  StatesAre({v1::RUNNING, v1::FAILED});
  Answer({Accept(v1::PAUSING)});
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{StateChange(3, v1::FAILED)}, grpc::Status::OK}; };
  EXPECT_EQ(Run({"--json", "jobs", "pause", "1"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("failed: loss is NaN; lower --lr; that was before it was paused"));
  ASSERT_THAT(JsonLines(), SizeIs(1));
  EXPECT_EQ(JsonLines()[0]["state"], "FAILED");
}

TEST_F(JobControlTest, AJobThatEndsBeforeTheCallIsToldFromOneThatHadEnded) {
  StatesAre({v1::RUNNING, v1::SUCCEEDED});
  Answer({Refuse(TooLate()), Refuse(TooLate())});
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr("succeeded before it was paused"));
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: job 1 has ended\n");
}

TEST_F(JobControlTest, AJobThatIsQueuedAgainIsNotWaitedForWithoutEnd) {
  StatesAre({v1::RUNNING, v1::QUEUED});
  Answer({Accept(v1::PAUSING)});
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{StateChange(3, v1::QUEUED)}, grpc::Status::OK}; };
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("job 1 is queued, not paused; say it again: "), HasSubstr("jobs pause 1")));
}

TEST_F(JobControlTest, AJobThatIsResumedAtOnceWasPaused) {
  StatesAre({v1::RUNNING, v1::QUEUED});
  Answer({Accept(v1::PAUSING)});
  service_.watch = [](uint64_t) -> FakeService::Watch {
    return {{StateChange(3, v1::PAUSED), StateChange(4, v1::QUEUED)}, grpc::Status::OK};
  };
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "1: paused\n");
}

TEST_F(JobControlTest, AnInterruptDetachesAndSaysHowToLookAgain) {
  Interrupt interrupt;
  StatesAre({v1::RUNNING});
  Answer({Accept(v1::PAUSING)});
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    interrupt.Raise();
    return {{}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")};
  };
  Console console(&out_, &err_, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", server_.address(), "jobs", "pause", "m"}, &console, &interrupt),
            ExitCode::kInterrupted);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("detached; job 1 goes on pausing; look again: "), HasSubstr("jobs status 1")));
}

TEST_F(JobControlTest, ACallWhoseAnswerWasLostIsRepeatedOnce) {
  StatesAre({v1::RUNNING});
  Answer({Lose(), Accept(v1::PAUSED)});
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kDone);
  EXPECT_THAT(asked_, ElementsAre("1", "1"));
  EXPECT_THAT(err_.str(), HasSubstr("trying once more"));
  asked_.clear();
  Answer({Lose(), Lose(), Accept(v1::PAUSED)});
  EXPECT_EQ(Run({"jobs", "pause", "1"}), ExitCode::kUnreachable);
  EXPECT_THAT(asked_, SizeIs(2));
}

TEST_F(JobControlTest, ARepeatedCallWhoseFirstDidItsWorkIsDone) {
  Answer({Lose(), Refuse(TooLate()), Lose(), Refuse(TooLate())});
  StatesAre({v1::RUNNING, v1::CANCELLED});
  EXPECT_EQ(Run({"jobs", "cancel", "1"}), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), "1: cancelled\n");
  StatesAre({v1::PAUSED, v1::QUEUED});
  EXPECT_EQ(Run({"jobs", "resume", "1"}), ExitCode::kDone) << err_.str();
  EXPECT_EQ(out_.str(), "1: queued\n");
}

TEST_F(JobControlTest, OnlyAPausedJobIsResumed) {
  StatesAre({v1::PAUSED});
  Answer({Accept(v1::QUEUED), Refuse(TooLate())});
  EXPECT_EQ(Run({"--json", "jobs", "resume", "m"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["state"], "QUEUED");
  StatesAre({v1::RUNNING});
  EXPECT_EQ(Run({"jobs", "resume", "m"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: job 1 has ended\n");
}

}  // namespace
}  // namespace deepbindnet::client
