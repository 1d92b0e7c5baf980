// train and compare against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class JobCommandsTest : public CliTest {};

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

}  // namespace
}  // namespace deepbindnet::client
