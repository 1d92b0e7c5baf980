// jobs list and status against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class JobListTest : public CliTest {
 protected:
  // jobs status of a job in `state`.
  std::string StatusOf(v1::JobState state, const std::function<void(v1::Job*)>& fill) {
    service_.get_status = [&](v1::Job* job) {
      FillJob(state, 1, job);
      fill(job);
      return grpc::Status::OK;
    };
    EXPECT_EQ(Run({"jobs", "status", "1"}), ExitCode::kDone) << err_.str();
    return out_.str();
  }
};

TEST_F(JobListTest, TheListIsNarrowedByTheServer) {
  v1::ListJobsRequest sent;
  service_.list_jobs = [&](const v1::ListJobsRequest& request, v1::ListJobsResponse*) {
    sent = request;
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"jobs", "list", "--state", "pausing", "paused", "--kind", "train", "--kind", "prepare_dataset",
                 "--name", "kiba-", "--submitter", "alice", "--limit", "7"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_THAT(sent.states(), ElementsAre(v1::PAUSING, v1::PAUSED));
  EXPECT_THAT(sent.kinds(), ElementsAre(v1::TRAIN, v1::PREPARE_DATASET));
  EXPECT_EQ(sent.name_prefix(), "kiba-");
  EXPECT_EQ(sent.submitter(), "alice");
  EXPECT_EQ(sent.page_size(), 7u);
}

TEST_F(JobListTest, EveryPageIsReadUpToTheLimit) {
  service_.list_jobs = [](const v1::ListJobsRequest& request, v1::ListJobsResponse* response) {
    FillJob(v1::QUEUED, 1, response->add_jobs());
    response->set_next_page_token(request.page_token() + "x");
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"--json", "jobs", "list", "--limit", "3"}), ExitCode::kDone);
  EXPECT_THAT(JsonLines(), SizeIs(3));
}

TEST_F(JobListTest, SubmittersHaveAColumnWhereThereAreAny) {
  std::string submitter;
  service_.list_jobs = [&](const v1::ListJobsRequest&, v1::ListJobsResponse* response) {
    FillJob(v1::RUNNING, 1, response->add_jobs());
    FillJob(v1::QUEUED, 1, response->add_jobs());
    response->mutable_jobs(0)->set_submitter(submitter);
    response->mutable_jobs(1)->set_queue_position(2);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"jobs", "list"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(),
            "JOB  NAME  KIND      STATE    PROGRESS              CREATED (UTC)\n"
            "1    m     training  running                        -\n"
            "1    m     training  queued   place 2 in the queue  -\n");
  submitter = "alice";
  ASSERT_EQ(Run({"jobs", "list"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("CREATED (UTC)  SUBMITTER\n"), HasSubstr("-              alice\n")));
}

TEST_F(JobListTest, StatusTellsWhoseTheJobIsAndWhereItStands) {
  const std::string running = StatusOf(v1::RUNNING, [](v1::Job* job) {
    job->set_submitter("alice");
    job->set_priority(5);
    job->add_devices("cuda:0");
    job->add_devices("cuda:1");
    job->set_restarts(2);
    job->set_max_restarts(3);
    job->mutable_progress()->set_phase("training");
    job->mutable_progress()->mutable_eta()->set_seconds(700);
  });
  EXPECT_THAT(running, AllOf(HasSubstr("state     running, restarted 2 of at most 3 times\n"),
                             HasSubstr("submitter alice\n"), HasSubstr("priority  5\n"),
                             HasSubstr("devices   cuda:0, cuda:1\n"), HasSubstr("eta       about 12 min left\n")));
  const std::string queued = StatusOf(v1::QUEUED, [](v1::Job* job) {
    job->set_queue_position(4);
    job->set_num_devices(2);
    job->mutable_progress()->mutable_eta()->set_seconds(700);
  });
  EXPECT_THAT(queued, AllOf(HasSubstr("queue     place 4\n"), HasSubstr("devices   none; takes 2\n"),
                            Not(HasSubstr("submitter")), Not(HasSubstr("priority")), Not(HasSubstr("eta"))));
}

TEST_F(JobListTest, StatusTellsWhetherAPauseEndsByItself) {
  const std::string by_server = StatusOf(v1::PAUSED, [](v1::Job* job) {
    job->mutable_pause()->set_reason("DISK_FULL");
    job->mutable_pause()->set_message("12 MiB are free; make room");
  });
  EXPECT_THAT(by_server, AllOf(HasSubstr("state     paused\n"),
                               HasSubstr("paused    DISK_FULL: 12 MiB are free; make room (goes on by itself)\n")));
  const std::string by_user = StatusOf(v1::PAUSED, [](v1::Job*) {});
  EXPECT_THAT(by_user, AllOf(HasSubstr("paused    until you say: deepbindnet "), HasSubstr("jobs resume 1\n")));
}

}  // namespace
}  // namespace deepbindnet::client
