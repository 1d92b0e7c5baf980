// jobs watch and jobs logs, and what train shows of its job, against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class JobWatchingTest : public CliTest {};

v1::JobEvent EpochEvent(uint64_t sequence, uint32_t epoch) {
  v1::JobEvent event;
  event.set_job_id("1");
  event.set_sequence(sequence);
  event.mutable_epoch()->set_epoch(epoch);
  event.mutable_epoch()->set_epochs(9);
  return event;
}

v1::JobEvent ProgressEvent(uint64_t sequence) {
  v1::JobEvent event;
  event.set_job_id("1");
  event.set_sequence(sequence);
  event.mutable_progress()->set_phase("training");
  return event;
}

grpc::Status Busy() {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(1000000);
  google::rpc::Status details;
  details.add_details()->PackFrom(retry);
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls", details.SerializeAsString());
}

TEST_F(JobWatchingTest, WatchingComesBackWithTheNextSequence) {
  // The first stream breaks after event 2 and repeats nothing; the second leaves event 3 out; the third repeats
  // event 2.
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    const grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    switch (++call) {
      case 1:
        return {{EpochEvent(1, 1), ProgressEvent(1), EpochEvent(2, 2)}, lost};
      case 2:
        return {{EpochEvent(4, 4)}, lost};
      default:
        return {{EpochEvent(2, 2), EpochEvent(3, 3), EpochEvent(4, 4)}, grpc::Status::OK};
    }
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 4, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"--json", "jobs", "watch", "m"}), ExitCode::kDone);
  EXPECT_THAT(Epochs(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(service_.watched_from(), ElementsAre(1, 3, 3));
  EXPECT_EQ(JsonLines().back()["state"], "SUCCEEDED");
  EXPECT_TRUE(JsonLines().back().contains("test_mse"));
  EXPECT_THAT(err_.str(), HasSubstr("the connection was lost"));
}

TEST_F(JobWatchingTest, AStreamThatEndsBeforeTheJobIsOpenedAgain) {
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    if (++call == 1) return {{EpochEvent(1, 1)}, grpc::Status::OK};
    return {{EpochEvent(2, 2)}, grpc::Status::OK};
  };
  service_.get_status = [&](v1::Job* job) {
    FillJob(call == 1 ? v1::RUNNING : v1::SUCCEEDED, call, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"--json", "jobs", "watch", "1"}), ExitCode::kDone);
  EXPECT_THAT(Epochs(), ElementsAre(1, 2));
}

TEST_F(JobWatchingTest, WatchingGivesUpAfterTheReconnectTimeout) {
  service_.watch = [](uint64_t from) -> FakeService::Watch {
    const grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    if (from == 1) return {{EpochEvent(1, 1)}, lost};
    return {{}, lost};
  };
  EXPECT_EQ(Run({"--reconnect-timeout", "0.2", "jobs", "watch", "1"}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("did not come back"), HasSubstr("jobs watch 1")));
}

TEST_F(JobWatchingTest, WatchingFromASequenceAsksForIt) {
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{EpochEvent(5, 5)}, grpc::Status::OK}; };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 5, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "watch", "1", "--from-sequence", "5"}), ExitCode::kDone);
  EXPECT_THAT(service_.watched_from(), ElementsAre(5));
  EXPECT_THAT(out_.str(), HasSubstr("epoch   5/9"));
}

TEST_F(JobWatchingTest, AFailedJobIsExitCodeOneAndItsEndIsTheLastLine) {
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{}, grpc::Status::OK}; };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::FAILED, 0, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"--json", "jobs", "watch", "1"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: training m (job 1) failed: loss is NaN; lower --lr\n");
  EXPECT_EQ(JsonLines().back()["state"], "FAILED");
  EXPECT_EQ(JsonLines().back()["error"]["message"], "loss is NaN; lower --lr");
}

TEST_F(JobWatchingTest, AnInterruptDetachesAndSaysHowToReattach) {
  Interrupt interrupt;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    interrupt.Raise();
    return {{}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")};
  };
  Console console(&out_, &err_, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", server_.address(), "train", "--dataset", "d", "--name", "m"}, &console, &interrupt),
            ExitCode::kInterrupted);
  EXPECT_EQ(err_.str(), absl::StrCat("note: detached; job 1 goes on; re-attach: deepbindnet --server ",
                                     server_.address(), " jobs watch 1\n"));
}

TEST_F(JobWatchingTest, ABusyServerIsAskedAgainForTheRestOfAJob) {
  service_.watch = [](uint64_t from_sequence) -> FakeService::Watch {
    if (from_sequence == 1) return {{StateChange(1, v1::RUNNING)}, Busy()};
    return {{StateChange(2, v1::SUCCEEDED)}, grpc::Status::OK};
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 2, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "watch", "1"}), ExitCode::kDone) << err_.str();
  EXPECT_THAT(service_.watched_from(), ElementsAre(1u, 2u));
  EXPECT_THAT(err_.str(), HasSubstr("too many calls; trying again for up to"));
}

TEST_F(JobWatchingTest, AnErrorInTheMiddleOfAJobSaysHowToReattach) {
  service_.watch = [](uint64_t) {
    return FakeService::Watch{{StateChange(1, v1::RUNNING)}, grpc::Status(grpc::StatusCode::INTERNAL, "oh")};
  };
  EXPECT_EQ(Run({"jobs", "watch", "m"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("error: oh; "), HasSubstr("; job 1 is kept; re-attach: "), HasSubstr("jobs watch 1")));
}

v1::JobEvent LogEvent(uint64_t sequence, const std::string& text) {
  v1::JobEvent event;
  event.set_job_id("1");
  event.set_sequence(sequence);
  event.mutable_log()->set_level(v1::LogLine::INFO);
  event.mutable_log()->set_text(text);
  return event;
}

TEST_F(JobWatchingTest, WatchingTellsOfAPauseAndGoesOn) {
  service_.watch = [](uint64_t) -> FakeService::Watch {
    v1::JobEvent pausing = StateChange(1, v1::PAUSING);
    pausing.mutable_state_change()->set_why("the disk is full");
    return {{pausing, StateChange(2, v1::PAUSED), StateChange(3, v1::QUEUED), StateChange(4, v1::SUCCEEDED)},
            grpc::Status::OK};
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 4, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "watch", "1"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("1: pausing (the disk is full)\n1: paused\n1: queued\n1: succeeded\n"));
  ASSERT_EQ(Run({"--json", "jobs", "watch", "1"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines()[1]["to"], "PAUSED");
}

TEST_F(JobWatchingTest, FollowedLogsGoOnOverPausesAndRestartsWithoutLossOrRepeat) {
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    const grpc::Status stops =
        ErrorWithInfo(grpc::StatusCode::UNAVAILABLE, "the server is shutting down", "SHUTTING_DOWN");
    switch (++call) {
      case 1:
        return {{LogEvent(1, "one"), StateChange(2, v1::PAUSED)}, stops};
      case 2:
        return {{StateChange(3, v1::QUEUED), LogEvent(4, "two")},
                grpc::Status(grpc::StatusCode::UNKNOWN, "Stream removed")};
      default:
        return {{LogEvent(4, "two"), LogEvent(5, "three")}, grpc::Status::OK};
    }
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 5, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "logs", "m", "--follow"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "one\ntwo\nthree\n");
  EXPECT_THAT(service_.watched_from(), ElementsAre(1, 3, 5));
}

TEST_F(JobWatchingTest, TheReconnectTimeoutCountsFromTheLossAlsoAfterASilentPause) {
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    if (++call > 1) return {{StateChange(7, v1::SUCCEEDED)}, grpc::Status::OK};
    absl::SleepFor(absl::Seconds(2.5));  // Nothing happens for longer than the timeout.
    return {{}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")};
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 7, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"--reconnect-timeout", "2", "jobs", "watch", "1", "--from-sequence", "7"}), ExitCode::kDone)
      << err_.str();
  EXPECT_THAT(service_.watched_from(), ElementsAre(7, 7));
}

TEST_F(JobWatchingTest, AnUnlimitedReconnectTimeoutIsInfAndNoneIsZero) {
  int call = 0;
  service_.watch = [&](uint64_t from) -> FakeService::Watch {
    const grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    if (from == 1) return {{EpochEvent(1, 1)}, lost};
    if (++call == 1) return {{}, lost};
    return {{StateChange(2, v1::SUCCEEDED)}, grpc::Status::OK};
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 2, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"--reconnect-timeout", "inf", "jobs", "watch", "1"}), ExitCode::kDone);
  EXPECT_THAT(err_.str(), HasSubstr("the connection was lost; trying again until it is back"));
  EXPECT_EQ(Run({"--reconnect-timeout", "0", "jobs", "watch", "1"}), ExitCode::kUnreachable);
  EXPECT_THAT(service_.watched_from(), ElementsAre(1, 2, 2, 1));
}

TEST_F(JobWatchingTest, ACallerWhoMayNotIsNotRetried) {
  for (const grpc::StatusCode code : {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED}) {
    int calls = 0;
    service_.watch = [&](uint64_t) -> FakeService::Watch {
      ++calls;
      return {{StateChange(1, v1::RUNNING)}, ErrorWithInfo(code, "not you", "REASON")};
    };
    EXPECT_EQ(Run({"jobs", "watch", "1"}), ExitCode::kFailed);
    EXPECT_EQ(calls, 1);
    EXPECT_THAT(err_.str(), HasSubstr("not you"));
  }
}

TEST_F(JobWatchingTest, WatchingAServerThatIsNotThereIsExitCodeThree) {
  Console console(&out_, &err_, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", "127.0.0.1:1", "jobs", "watch", "1"}, &console, nullptr), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("Connection refused"));
}

TEST_F(JobWatchingTest, LogsPrintTheLogLinesThereAreAndDoNotWait) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::RUNNING, 2, job);
    return grpc::Status::OK;
  };
  service_.watch = [](uint64_t) -> FakeService::Watch {
    v1::JobEvent log = LogEvent(2, "3 rows rejected");
    log.mutable_log()->set_level(v1::LogLine::WARNING);
    return {{EpochEvent(1, 1), log, EpochEvent(3, 3)}, grpc::Status::OK};
  };
  EXPECT_EQ(Run({"jobs", "logs", "1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "warning: 3 rows rejected\n");
}

}  // namespace
}  // namespace deepbindnet::client
