// Which job gets a worker when, and what the worker is told.
#include <signal.h>

#include <filesystem>

#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

class ScheduleTest : public TrainingTest {};

TEST_F(ScheduleTest, StartsByPriorityThenAge) {
  Submit(Training("first"));
  auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  Submit(Training("old"));
  Submit(Training("high-old", 5));
  Submit(Training("low", -1));
  Submit(Training("high-new", 5));
  std::vector<std::string> order;
  for (size_t i = 0; i < 5; ++i) {
    worker = workers_->WaitFor(i);
    ASSERT_NE(worker, nullptr);
    order.push_back(worker->task().spec().train().model());
    worker->EmitResult(TrainingResult());
    worker->Exit(0);
  }
  EXPECT_THAT(order, ElementsAre("first", "high-old", "high-new", "old", "low"));
}

TEST_F(ScheduleTest, RunsAsManyJobsAsThereAreSlots) {
  options_.slots = 2;
  Reopen();
  Submit(Training("a"));
  Submit(Training("b"));
  const std::string third = Submit(Training("c"));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
  EXPECT_EQ(engine_->counts().running, 2);
  EXPECT_EQ(Get(third).state(), v1::QUEUED);
  workers_->WaitFor(0)->EmitResult(TrainingResult());
  workers_->WaitFor(0)->Exit(0);
  ASSERT_TRUE(AwaitState(third, v1::RUNNING));
}

TEST_F(ScheduleTest, JobsSideBySideShareTheThreads) {
  options_.slots = 2;
  options_.cpu_threads = 6;
  Reopen();
  Submit(Training("a"));
  Submit(Training("b"));
  for (size_t i = 0; i < 2; ++i) {
    const auto worker = workers_->WaitFor(i);
    ASSERT_NE(worker, nullptr);
    EXPECT_THAT(worker->environment(), ElementsAre(Pair("OMP_NUM_THREADS", "3")));
  }
  EXPECT_THAT(Get("a").devices(), ElementsAre("cpu:0"));
  EXPECT_THAT(Get("b").devices(), ElementsAre("cpu:1"));
  EXPECT_EQ(engine_->slots()[1].job(), Get("b").id());
}

TEST_F(ScheduleTest, EachTrainingSeesItsOwnGpusAndPreparationsNeedNone) {
  options_.gpus = {"4", "5", "6"};
  Reopen();
  JobSubmission wide = Training("wide");
  wide.spec.mutable_train()->mutable_options()->set_num_processes(2);
  const std::string first = Submit(wide);
  ASSERT_NE(workers_->WaitFor(0), nullptr);
  EXPECT_EQ(Get(first).num_devices(), 2);
  EXPECT_THAT(workers_->WaitFor(0)->environment(), ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "4,5")));
  wide.spec.mutable_train()->set_model("wide-2");
  const std::string second = Submit(wide);
  Submit(Training("narrow"));  // There is a free GPU, but whoever waits for two would never get them.
  const std::string prepare = Submit(Preparation("davis"));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
  EXPECT_EQ(workers_->WaitFor(1)->task().spec().prepare_dataset().dataset(), "davis");
  EXPECT_THAT(workers_->WaitFor(1)->environment(), ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "")));
  EXPECT_EQ(Get("narrow").state(), v1::QUEUED);
  EXPECT_EQ(Get("narrow").queue_position(), 2);
  workers_->WaitFor(0)->EmitResult(TrainingResult());
  workers_->WaitFor(0)->Exit(0);
  ASSERT_TRUE(AwaitState(second, v1::RUNNING));
  ASSERT_TRUE(AwaitState(Get("narrow").id(), v1::RUNNING));
  EXPECT_THAT(Get("narrow").devices(), ElementsAre("cuda:2"));
}

TEST_F(ScheduleTest, AJobThatNeedsMoreSlotsThanThereAreIsNotAccepted) {
  JobSubmission wide = Training("wide");
  wide.spec.mutable_train()->mutable_options()->set_num_processes(2);
  EXPECT_THAT(engine_->Submit(wide),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "spec.options.num_processes: 2"));
}

TEST_F(ScheduleTest, OneThatFitsNoMoreAfterARestartHoldsUpNobody) {
  options_.slots = 2;
  Reopen();
  StartTraining();
  JobSubmission wide = Training("wide");
  wide.spec.mutable_train()->mutable_options()->set_num_processes(2);
  const std::string id = Submit(wide);
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  ASSERT_TRUE(workers_->WaitFor(0)->WaitForTerminate());
  options_.slots = 1;
  Reopen();
  const std::string other = Submit(Training("other"));
  ASSERT_TRUE(AwaitState(other, v1::RUNNING));
  EXPECT_EQ(Get(id).state(), v1::QUEUED);
}

TEST_F(ScheduleTest, AUserWithEnoughRunningJobsLetsOthersGoAhead) {
  options_.slots = 3;
  options_.max_running_per_user = 1;
  Reopen();
  const auto submit_as = [this](const std::string& user, const std::string& model) {
    JobSubmission submission = Training(model);
    submission.submitter = user;
    return Submit(submission);
  };
  const std::string first = submit_as("alice", "a1");
  const std::string second = submit_as("alice", "a2");
  const std::string other = submit_as("bob", "b1");
  ASSERT_TRUE(AwaitState(other, v1::RUNNING));
  EXPECT_EQ(Get(first).state(), v1::RUNNING);
  EXPECT_EQ(Get(second).state(), v1::QUEUED);
  EXPECT_EQ(Get(other).submitter(), "bob");
  workers_->WaitFor(0)->EmitResult(TrainingResult());
  workers_->WaitFor(0)->Exit(0);
  ASSERT_TRUE(AwaitState(second, v1::RUNNING));
}

TEST_F(ScheduleTest, TellsTheWorkerWhatToDo) {
  const auto worker = StartTraining();
  EXPECT_EQ(worker->task().spec().train().model(), "m");
  EXPECT_EQ(worker->task().dataset_dir(), layout_.DatasetDir("kiba"));
  EXPECT_EQ(worker->task().output_dir(), layout_.ModelDir("m"));
  EXPECT_FALSE(worker->task().resume());
  EXPECT_EQ(worker->job_dir(), layout_.JobDir(id_));
}

TEST_F(ScheduleTest, AFirstStartBeginsWithAnEmptyOutput) {
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "of another time");
  StartTraining();
  EXPECT_FALSE(std::filesystem::exists(layout_.ModelDir("m")));
}

TEST_F(ScheduleTest, AWorkerThatCannotBeStartedIsTriedAgainEverLaterAndNoRestartCounts) {
  workers_->FailStarts(2, absl::InternalError("no processes left"));
  JobSubmission submission = Training("m");
  submission.max_restarts = 0;
  const std::string id = Submit(submission);
  const auto is_back_after = [&](size_t starts) {
    return Await(id, [&] { return Events(id).size() == 1 + 2 * starts && engine_->counts().queued == 1; });
  };
  ASSERT_TRUE(is_back_after(1));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(is_back_after(2));
  clock_.Advance(absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  ASSERT_NE(workers_->WaitFor(0), nullptr);
  EXPECT_EQ(Get(id).restarts(), 0u);
  const auto events = Events(id);
  ASSERT_THAT(events, SizeIs(6));
  EXPECT_THAT(events[2].state_change().why(), HasSubstr("could not be started: no processes left"));
  EXPECT_EQ(events[3].time().seconds() - events[2].time().seconds(), 1);
  EXPECT_EQ(events[5].time().seconds() - events[4].time().seconds(), 2);
}

TEST_F(ScheduleTest, AJobThatWaitsForItsNextStartLetsOthersRun) {
  workers_->FailStarts(1, absl::InternalError("no processes left"));
  const std::string first = Submit(Training("first"));
  ASSERT_TRUE(Await(first, [&] { return Events(first).size() == 3 && engine_->counts().queued == 1; }));
  Submit(Training("second"));
  const auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->task().spec().train().model(), "second");
}

TEST_F(ScheduleTest, ARequeuedJobKeepsItsPlace) {
  const auto worker = StartTraining();
  const std::string other = Submit(Training("other"));
  worker->Die(SIGSEGV);
  const auto next = workers_->WaitFor(1);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->task().spec().train().model(), "m");
  EXPECT_EQ(Get(other).state(), v1::QUEUED);
}

TEST_F(ScheduleTest, AJobWhoseStartCannotBeStoredLetsOthersRunAndIsTriedAgain) {
  StartTraining();
  Submit(Training("second"));
  engine_->Drain(clock_.Now());
  Close();
  ASSERT_OK_AND_ASSIGN(store_, Store::Open(layout_.Database()));
  faulty_store_ = std::make_unique<FaultyStore>(store_.get());
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"), /*times=*/1);
  options_.slots = 2;
  OpenEngine();
  auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->task().spec().train().model(), "second");
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  EXPECT_EQ(Get(id_).state(), v1::QUEUED);
  clock_.Advance(absl::Seconds(1));
  worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->task().spec().train().model(), "m");
}

}  // namespace
}  // namespace deepbindnet
