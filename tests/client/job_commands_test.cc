// train and jobs against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/time/clock.h"
#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class JobCommandsTest : public CliTest {};

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

TEST_F(JobCommandsTest, TrainSendsEveryOptionInEitherSpelling) {
  v1::StartTrainingRequest sent;
  service_.start_training = [&](const v1::StartTrainingRequest& request, v1::Job* job) {
    sent = request;
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--hidden_dim", "32", "--dropout-rate=0.2",
                 "--mixed_precision", "--model_type", "standard", "--max_sequence_length", "800",
                 "--residues-per-token", "8", "--drug_layers=5", "--request-id", "r", "--detach"}),
            ExitCode::kDone);
  EXPECT_EQ(sent.spec().dataset(), "d");
  EXPECT_EQ(sent.spec().model(), "m");
  EXPECT_EQ(sent.spec().options().hidden_dim(), 32u);
  EXPECT_EQ(sent.spec().options().dropout_rate(), 0.2);
  EXPECT_TRUE(sent.spec().options().mixed_precision());
  EXPECT_EQ(sent.spec().options().model_type(), v1::STANDARD);
  EXPECT_EQ(sent.spec().options().max_sequence_length(), 800u);
  EXPECT_EQ(sent.spec().options().residues_per_token(), 8u);
  EXPECT_EQ(sent.spec().options().drug_layers(), 5u);
  EXPECT_FALSE(sent.spec().options().has_lr());
  EXPECT_EQ(sent.request_id(), "r");
  EXPECT_THAT(out_.str(), HasSubstr("jobs watch 1"));
}

TEST_F(JobCommandsTest, TrainMakesARequestIdOfItsOwn) {
  std::set<std::string> ids;
  service_.start_training = [&](const v1::StartTrainingRequest& request, v1::Job* job) {
    ids.insert(request.request_id());
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  Run({"train", "--dataset", "d", "--name", "m", "--detach"});
  Run({"train", "--dataset", "d", "--name", "m", "--detach"});
  EXPECT_THAT(ids, SizeIs(2));
  EXPECT_THAT(*ids.begin(), SizeIs(36));
}

TEST_F(JobCommandsTest, EveryJobHasAPriorityAndALimitOfRestarts) {
  v1::StartTrainingRequest training;
  service_.start_training = [&](const v1::StartTrainingRequest& request, v1::Job* job) {
    training = request;
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  v1::CompareRequest comparison;
  service_.compare = [&](const v1::CompareRequest& request, v1::Job* job) {
    comparison = request;
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--priority", "-5", "--max_restarts", "0", "--detach"}),
            ExitCode::kDone);
  EXPECT_EQ(training.priority(), -5);
  EXPECT_TRUE(training.has_max_restarts());
  ASSERT_EQ(
      Run({"compare", "--models", "a", "b", "--dataset", "d", "--priority", "7", "--max-restarts", "1", "--detach"}),
      ExitCode::kDone);
  EXPECT_EQ(comparison.priority(), 7);
  EXPECT_EQ(comparison.max_restarts(), 1u);
  EXPECT_THAT(out_.str(), HasSubstr("--priority 7 --max-restarts 1 --request-id " + comparison.request_id()));
  ASSERT_EQ(Run({"datasets", "prepare", Write("t.csv", "smiles,sequence,y\n"), "--name", "d", "--priority", "9",
                 "--max-restarts", "2", "--detach"}),
            ExitCode::kDone);
  EXPECT_EQ(service_.upload_header.priority(), 9);
  EXPECT_EQ(service_.upload_header.max_restarts(), 2u);
  EXPECT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--max-restarts", "-1"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--max-restarts: '-1' is not a number of 0 or more"));
}

TEST_F(JobCommandsTest, ValidationStartsNothingAndShowsWhatWouldBe) {
  service_.start_training = [](const v1::StartTrainingRequest& request, v1::Job* job) {
    EXPECT_TRUE(request.validate_only());
    EXPECT_EQ(request.request_id(), "");
    FillJob(v1::QUEUED, 0, job);
    job->clear_id();
    job->mutable_spec()->mutable_train()->set_dataset("d");
    job->mutable_spec()->mutable_train()->mutable_options()->set_hidden_dim(64);
    job->set_max_restarts(3);
    job->set_num_devices(2);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--validate-only"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("nothing was started. It would be:\ntraining m on data set d\n"),
                    HasSubstr("  devices 2, priority 0, at most 3 restarts\n"), HasSubstr("hidden_dim 64")));
  EXPECT_EQ(Run({"--json", "train", "--dataset", "d", "--name", "m", "--validate-only"}), ExitCode::kDone);
  ASSERT_THAT(JsonLines(), SizeIs(1));
  EXPECT_EQ(JsonLines()[0]["type"], "validated");
  EXPECT_EQ(JsonLines()[0]["spec"]["train"]["options"]["hidden_dim"], 64);
}

TEST_F(JobCommandsTest, AValidatedComparisonMakesNoDirectory) {
  service_.compare = [](const v1::CompareRequest& request, v1::Job* job) {
    EXPECT_TRUE(request.validate_only());
    *job->mutable_spec()->mutable_compare() = request.spec();
    job->set_name(request.spec().name());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"compare", "--models", "a", "b", "--dataset", "d", "--output-dir", Path("out"), "--validate-only"}),
            ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("comparison a-vs-b of a, b on data set d\n"));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
  service_.compare = [](const v1::CompareRequest&, v1::Job*) {
    return ErrorWithInfo(grpc::StatusCode::NOT_FOUND, "model b: there is none", "MODEL_NOT_FOUND");
  };
  EXPECT_EQ(Run({"compare", "--models", "a", "b", "--dataset", "d", "--validate-only"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: model b: there is none\n");
}

TEST_F(JobCommandsTest, MixedPrecisionTakesAValueOrNone) {
  v1::TrainingOptions sent;
  service_.start_training = [&](const v1::StartTrainingRequest& request, v1::Job* job) {
    sent = request.spec().options();
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  const auto train = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"train", "--dataset", "d", "--name", "m", "--detach"});
    return Run(options);
  };
  for (const auto& [options, value] :
       std::vector<std::pair<std::vector<std::string>, bool>>{{{"--mixed_precision", "false"}, false},
                                                              {{"--mixed-precision=false"}, false},
                                                              {{"--mixed_precision", "true"}, true},
                                                              {{"--mixed_precision=true"}, true},
                                                              {{"--mixed_precision"}, true},
                                                              {{"--mixed_precision", "--lr", "0.1"}, true}}) {
    ASSERT_EQ(train(options), ExitCode::kDone) << options[0] << ": " << err_.str();
    EXPECT_TRUE(sent.has_mixed_precision());
    EXPECT_EQ(sent.mixed_precision(), value) << options[0];
  }
  ASSERT_EQ(train({}), ExitCode::kDone);
  EXPECT_FALSE(sent.has_mixed_precision());
  EXPECT_EQ(train({"--mixed_precision", "half"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--mixed-precision: 'half' is not true or false"));
}

TEST_F(JobCommandsTest, AnOptionThatTheServerFindsWrongIsOneLineAndWrongUsage) {
  service_.start_training = [](const v1::StartTrainingRequest&, v1::Job*) {
    return ErrorWithInfo(grpc::StatusCode::INVALID_ARGUMENT, "lr: 7 is not in (0, 1]", "INVALID_FIELD",
                         {{"field", "lr"}, {"value", "7"}});
  };
  EXPECT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--lr", "7"}), ExitCode::kUsage);
  EXPECT_EQ(err_.str(), "error: lr: 7 is not in (0, 1]\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(JobCommandsTest, WatchingComesBackWithTheNextSequence) {
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

TEST_F(JobCommandsTest, AStreamThatEndsBeforeTheJobIsOpenedAgain) {
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

TEST_F(JobCommandsTest, WatchingGivesUpAfterTheReconnectTimeout) {
  service_.watch = [](uint64_t from) -> FakeService::Watch {
    const grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    if (from == 1) return {{EpochEvent(1, 1)}, lost};
    return {{}, lost};
  };
  EXPECT_EQ(Run({"--reconnect-timeout", "0.2", "jobs", "watch", "1"}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("did not come back"), HasSubstr("jobs watch 1")));
}

TEST_F(JobCommandsTest, WatchingFromASequenceAsksForIt) {
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{EpochEvent(5, 5)}, grpc::Status::OK}; };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 5, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "watch", "1", "--from-sequence", "5"}), ExitCode::kDone);
  EXPECT_THAT(service_.watched_from(), ElementsAre(5));
  EXPECT_THAT(out_.str(), HasSubstr("epoch   5/9"));
}

TEST_F(JobCommandsTest, AFailedJobIsExitCodeOneAndItsEndIsTheLastLine) {
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

TEST_F(JobCommandsTest, AnInterruptDetachesAndSaysHowToReattach) {
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

TEST_F(JobCommandsTest, ADetachedComparisonSaysTheCommandThatFetchesItsReport) {
  service_.compare = [](const v1::CompareRequest&, v1::Job* job) {
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"compare", "--models", "a", "b", "--dataset", "d", "--output-dir", "my results", "--request-id", "r",
                 "--detach"}),
            ExitCode::kDone);
  EXPECT_THAT(out_.str(),
              HasSubstr(absl::StrCat("fetch its report with: deepbindnet --server ", server_.address(),
                                     " compare --models a b --dataset d --name a-vs-b --output-dir 'my results' "
                                     "--request-id r\n")));
}

TEST_F(JobCommandsTest, AComparisonWhoseReportCannotBeWrittenIsNotSubmitted) {
  service_.compare = [](const v1::CompareRequest&, v1::Job*) {
    ADD_FAILURE() << "submitted";
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"compare", "--models", "a", "b", "--dataset", "d", "--output-dir", Write("file", "x") + "/results"}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("--output-dir: "), HasSubstr("file/results cannot be written")));
}

TEST_F(JobCommandsTest, AComparisonWhoseReportDoesNotArriveShowsItsEndAndSaysHowToFetchIt) {
  service_.compare = [](const v1::CompareRequest&, v1::Job* job) {
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  service_.watch = [](uint64_t) { return FakeService::Watch{{StateChange(1, v1::SUCCEEDED)}, grpc::Status::OK}; };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 1, job);
    job->add_artifacts("report.html");
    return grpc::Status::OK;
  };
  service_.artifact_digest = "0";
  EXPECT_EQ(Run({"--json", "compare", "--models", "a", "b", "--dataset", "d", "--output-dir", Path("out")}),
            ExitCode::kFailed);
  ASSERT_GE(JsonLines().size(), 2u);
  EXPECT_EQ(JsonLines().rbegin()[1]["type"], "end");
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("report.html: came damaged"), HasSubstr("; fetch the report with: "),
                                HasSubstr("compare --models a b --dataset d")));
}

TEST_F(JobCommandsTest, ABusyServerIsAskedAgainForTheRestOfAJob) {
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

TEST_F(JobCommandsTest, AnErrorInTheMiddleOfAJobSaysHowToReattach) {
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

TEST_F(JobCommandsTest, WatchingTellsOfAPauseAndGoesOn) {
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

TEST_F(JobCommandsTest, FollowedLogsGoOnOverPausesAndRestartsWithoutLossOrRepeat) {
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

TEST_F(JobCommandsTest, TheReconnectTimeoutCountsFromTheLossAlsoAfterASilentPause) {
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

TEST_F(JobCommandsTest, AnUnlimitedReconnectTimeoutIsInfAndNoneIsZero) {
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

TEST_F(JobCommandsTest, ACallerWhoMayNotIsNotRetried) {
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

TEST_F(JobCommandsTest, WatchingAServerThatIsNotThereIsExitCodeThree) {
  Console console(&out_, &err_, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", "127.0.0.1:1", "jobs", "watch", "1"}, &console, nullptr), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("Connection refused"));
}

TEST_F(JobCommandsTest, LogsPrintTheLogLinesThereAreAndDoNotWait) {
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
