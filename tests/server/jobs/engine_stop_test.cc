// How jobs are stopped: cancelled, drained with the server, or found again after its crash.
#include <signal.h>

#include <filesystem>
#include <thread>

#include "server/jobs/worker_task.h"
#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StopTest : public TrainingTest {
 protected:
  std::shared_ptr<FakeWorker> StartTraining(const std::string& model = "m") {
    auto worker = Start(Training(model));
    WriteTestFile(layout_.ModelDir(model) + "/latest_checkpoint.pt", "half");
    return worker;
  }
  bool HasOutput(const std::string& model = "m") { return std::filesystem::exists(layout_.ModelDir(model)); }

  // A job as a crash of the server leaves it.
  void LeaveInStore(const std::string& id, const std::string& model, v1::JobState state) {
    v1::Job job;
    job.set_id(id);
    job.set_name(model);
    *job.mutable_spec() = Training(model).spec;
    job.set_max_restarts(3);
    job.set_state(state);
    if (state != v1::QUEUED) job.mutable_start_time()->set_seconds(1);
    ASSERT_THAT(store_->InsertJob(&job, {v1::JobEvent()}), IsOk());
    if (state != v1::QUEUED) WriteTestFile(layout_.ModelDir(model) + "/latest_checkpoint.pt", "half");
  }
};

TEST_F(StopTest, CancelOfAQueuedJobIsImmediate) {
  StartTraining("other");
  const std::string id = Submit(Training("m"));
  ASSERT_OK_AND_ASSIGN(const v1::Job cancelled, engine_->Cancel(id));
  EXPECT_EQ(cancelled.state(), v1::CANCELLED);
  EXPECT_EQ(Get(id).state(), v1::CANCELLED);
  EXPECT_EQ(Events(id).back().state_change().to(), v1::CANCELLED);
  EXPECT_EQ(engine_->counts().queued, 0);
  EXPECT_THAT(engine_->Submit(Training("m")), IsOk());  // Its name is free.
}

TEST_F(StopTest, CancelOfAQueuedJobRemovesWhatItHad) {
  StartTraining("other");
  const JobSubmission submission = Preparation("davis");
  const std::string prepare = Submit(submission);
  ASSERT_THAT(engine_->Cancel(prepare), IsOk());
  EXPECT_FALSE(std::filesystem::exists(InputFile(layout_, Get(prepare))));
}

TEST_F(StopTest, CancelOfARunningJobStopsItsWorkerAndRemovesItsOutput) {
  const auto worker = StartTraining();
  ASSERT_OK_AND_ASSIGN(const v1::Job cancelling, engine_->Cancel(id_));
  EXPECT_EQ(cancelling.state(), v1::CANCELLING);
  ASSERT_TRUE(worker->WaitForTerminate());
  EXPECT_EQ(engine_->counts().running, 1);
  ASSERT_OK_AND_ASSIGN(const v1::Job again, engine_->Cancel(id_));
  EXPECT_EQ(again.state(), v1::CANCELLING);
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::CANCELLED));
  EXPECT_TRUE(Await(id_, [this] { return !HasOutput(); }));
  EXPECT_FALSE(worker->killed());
}

TEST_F(StopTest, CancelByNameFindsTheJob) {
  StartTraining();
  ASSERT_OK_AND_ASSIGN(const v1::Job cancelling, engine_->Cancel("m"));
  EXPECT_EQ(cancelling.id(), id_);
}

TEST_F(StopTest, AResultThatComesAfterTheCancellationIsDiscarded) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::CANCELLED));
  EXPECT_TRUE(Await(id_, [this] { return !HasOutput(); }));
  EXPECT_THAT(store_->GetModel("m"), IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "m"));
}

TEST_F(StopTest, ACancelledWorkerThatDoesNotStopIsKilledAfterTheGrace) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  ASSERT_TRUE(worker->WaitForTerminate());
  clock_.Advance(absl::Seconds(29));
  EXPECT_FALSE(worker->killed());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(worker->WaitForKill());
  EXPECT_TRUE(AwaitState(id_, v1::CANCELLED));
}

TEST_F(StopTest, CancelOfAnEndedJobIsIllegal) {
  const auto worker = StartTraining();
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::SUCCEEDED));
  EXPECT_THAT(engine_->Cancel(id_),
              IsError(absl::StatusCode::kFailedPrecondition, "ILLEGAL_TRANSITION", "is SUCCEEDED and cannot become"));
  EXPECT_TRUE(HasOutput());
}

TEST_F(StopTest, CancelOfAnUnknownJobIsNotFound) {
  EXPECT_THAT(engine_->Cancel("nobody"), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "nobody"));
}

TEST_F(StopTest, ACancellationTheStoreCannotTakeLeavesTheJobQueued) {
  StartTraining("other");
  const std::string id = Submit(Training("m"));
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(engine_->Cancel(id), IsError(absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "disk full"));
  faulty_store_->FailWrites(absl::OkStatus());
  EXPECT_EQ(Get(id).state(), v1::QUEUED);
  EXPECT_THAT(engine_->Cancel(id), IsOk());
}

TEST_F(StopTest, OneThatWasBeingPausedWhenTheServerDiedIsPaused) {
  LeaveInStore("job-pausing", "m", v1::PAUSING);
  Reopen();
  EXPECT_EQ(Get("job-pausing").state(), v1::PAUSED);
  EXPECT_THAT(Events("job-pausing").back().state_change().why(), HasSubstr("stopped while it was being paused"));
  EXPECT_TRUE(HasOutput());
}

TEST_F(StopTest, ACancellationTheStoreCannotTakeLeavesTheFiles) {
  LeaveInStore("job-paused", "m", v1::PAUSED);
  Reopen();
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(engine_->Cancel("job-paused").ok());
  EXPECT_TRUE(HasOutput());
}

TEST_F(StopTest, ACancellationAfterADrainThatCouldNotRecordTheEndIsUnavailable) {
  const auto worker = StartTraining();
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  engine_->Drain(clock_.Now());
  faulty_store_->FailWrites(absl::OkStatus());
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  EXPECT_THAT(engine_->Cancel(id_), IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "shutting down"));
}

TEST_F(StopTest, AnUnrecordedCancellationIsUnavailableToo) {
  StartTraining();
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  engine_->Drain(clock_.Now());
  EXPECT_EQ(Get(id_).state(), v1::CANCELLING);
  EXPECT_THAT(engine_->Cancel(id_), IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "shutting down"));
}

TEST_F(StopTest, ACancellationOfAJobThatIsNotRecordedYetIsUnavailable) {
  const auto worker = StartTraining();
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->Exit(0);
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  absl::StatusOr<v1::Job> cancelled;
  std::thread canceller([&] { cancelled = engine_->Cancel(id_); });
  EXPECT_TRUE(clock_.WaitForWaiter(absl::Seconds(5)));
  clock_.Advance(absl::Seconds(5));
  canceller.join();
  EXPECT_THAT(cancelled, IsError(absl::StatusCode::kUnavailable, "UNAVAILABLE", "is just ending"));
}

TEST_F(StopTest, CancelOfAPausedJobIsImmediate) {
  LeaveInStore("job-paused", "m", v1::PAUSED);
  Reopen();
  ASSERT_OK_AND_ASSIGN(const v1::Job cancelled, engine_->Cancel("job-paused"));
  EXPECT_EQ(cancelled.state(), v1::CANCELLED);
  EXPECT_FALSE(HasOutput());
  EXPECT_EQ(workers_->started(), 0u);
}

TEST_F(StopTest, CancelsAndEndsFromManyThreadsAgree) {
  for (int i = 0; i < 20; ++i) {
    const auto worker = StartTraining(absl::StrCat("m", i));
    worker->EmitResult(TrainingResult());
    absl::StatusOr<v1::Job> cancelled;
    std::thread canceller([&] { cancelled = engine_->Cancel(id_); });
    worker->Exit(0);
    canceller.join();
    ASSERT_TRUE(Await(id_, [&] { return HasEnded(Get(id_).state()); }));
    EXPECT_EQ(Get(id_).state(), cancelled.ok() ? v1::CANCELLED : v1::SUCCEEDED);
    EXPECT_EQ(store_->GetModel(absl::StrCat("m", i)).ok(), !cancelled.ok());
  }
}

TEST_F(StopTest, DrainRequeuesRunningJobsWhichResume) {
  const auto worker = StartTraining();
  const std::string waiting = Submit(Training("n"));
  std::thread drainer([this] { engine_->Drain(absl::InfiniteFuture()); });
  ASSERT_TRUE(worker->WaitForTerminate());
  EXPECT_THAT(engine_->Submit(Training("o")),
              IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "shutting down"));
  worker->Exit(75);
  drainer.join();
  EXPECT_EQ(Get(id_).state(), v1::QUEUED);
  EXPECT_EQ(Get(id_).restarts(), 0u);
  EXPECT_EQ(Get(waiting).state(), v1::QUEUED);
  EXPECT_EQ(workers_->started(), 1u);  // No other job took the slot.
  EXPECT_TRUE(HasOutput());
  Reopen();
  const auto next = workers_->WaitFor(0);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->task().spec().train().model(), "m");
  EXPECT_TRUE(next->task().resume());
}

TEST_F(StopTest, DrainKillsAtItsDeadlineAndTheJobIsQueuedAllTheSame) {
  const auto worker = StartTraining();
  std::thread drainer([this] { engine_->Drain(clock_.Now() + absl::Seconds(10)); });
  ASSERT_TRUE(worker->WaitForTerminate());
  EXPECT_FALSE(worker->killed());
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(worker->WaitForKill());
  drainer.join();
  EXPECT_EQ(Get(id_).state(), v1::QUEUED);
  EXPECT_EQ(Get(id_).restarts(), 0u);
}

TEST_F(StopTest, DrainOfAnIdleEngineReturnsAndARequestIsStillRemembered) {
  JobSubmission submission = Training("m");
  submission.request_id = "r1";
  const std::string id = Submit(submission);
  const auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id, v1::SUCCEEDED));
  engine_->Drain(absl::InfiniteFuture());
  engine_->Drain(absl::InfiniteFuture());
  EXPECT_EQ(Submit(submission), id);
}

TEST_F(StopTest, ACancelledJobIsCancelledThoughTheServerDrains) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  std::thread drainer([this] { engine_->Drain(absl::InfiniteFuture()); });
  ASSERT_TRUE(worker->WaitForTerminate());
  worker->Exit(75);
  drainer.join();
  EXPECT_EQ(Get(id_).state(), v1::CANCELLED);
}

TEST_F(StopTest, DestroyingTheEngineQueuesWhatRan) {
  const auto worker = StartTraining();
  worker->EmitEpoch(1);
  Reopen();
  const auto next = workers_->WaitFor(0);
  ASSERT_NE(next, nullptr);
  EXPECT_TRUE(next->task().resume());
  EXPECT_EQ(Get(id_).latest_epoch().epoch(), 1u);
}

TEST_F(StopTest, JobsThatACrashLeftRunningGoBackToTheQueueInTheirOrder) {
  LeaveInStore("job-y", "first", v1::RUNNING);
  LeaveInStore("job-x", "second", v1::QUEUED);
  Reopen();
  const auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->task().spec().train().model(), "first");
  EXPECT_TRUE(worker->task().resume());
  EXPECT_TRUE(HasOutput("first"));
  const auto events = Events("job-y");
  EXPECT_EQ(events[1].state_change().from(), v1::RUNNING);
  EXPECT_EQ(events[1].state_change().to(), v1::QUEUED);
  EXPECT_THAT(events[1].state_change().why(), HasSubstr("the server stopped"));
  EXPECT_EQ(Get("job-y").restarts(), 0u);
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  const auto second = workers_->WaitFor(1);
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(second->task().resume());
}

TEST_F(StopTest, AJobThatACrashLeftCancellingIsCancelled) {
  LeaveInStore("job-x", "m", v1::CANCELLING);
  Reopen();
  EXPECT_EQ(Get("job-x").state(), v1::CANCELLED);
  EXPECT_FALSE(HasOutput());
  EXPECT_EQ(workers_->started(), 0u);
}

TEST_F(StopTest, OutputsThatACrashLeftOfJobsThatDidNotSucceedAreRemoved) {
  MakeModel("taken");
  LeaveInStore("job-f", "failed", v1::FAILED);
  LeaveInStore("job-c", "cancelled", v1::CANCELLED);
  LeaveInStore("job-p", "paused", v1::PAUSED);
  LeaveInStore("job-t", "taken", v1::FAILED);  // There is a model of this name.
  WriteTestFile(layout_.ModelDir("unknown") + "/best_model.pt", "x");
  WriteTestFile(layout_.DatasetDir("failed") + "/manifest.json", "x");  // The job of this name made no data set.
  Reopen();
  EXPECT_FALSE(HasOutput("failed"));
  EXPECT_FALSE(HasOutput("cancelled"));
  EXPECT_TRUE(HasOutput("paused"));
  EXPECT_TRUE(HasOutput("taken"));
  EXPECT_TRUE(HasOutput("unknown"));
  EXPECT_TRUE(std::filesystem::exists(layout_.DatasetDir("failed")));
  EXPECT_TRUE(std::filesystem::exists(layout_.DatasetDir("kiba")));
}

TEST_F(StopTest, UploadsThatACrashLeftAreRemovedButNotThoseOfWaitingJobs) {
  StartTraining("other");
  const std::string waiting = Submit(Preparation("davis"));
  WriteTestFile(layout_.UploadsDir() + "/half", "x");
  WriteTestFile(layout_.JobDir("job-gone") + "/input/pairs.csv", "x");
  Reopen();
  EXPECT_FALSE(std::filesystem::exists(layout_.UploadsDir() + "/half"));
  EXPECT_FALSE(std::filesystem::exists(layout_.JobDir("job-gone") + "/input"));
  EXPECT_TRUE(std::filesystem::exists(InputFile(layout_, Get(waiting))));
}

}  // namespace
}  // namespace deepbindnet
