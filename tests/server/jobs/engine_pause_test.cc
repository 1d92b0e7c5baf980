// Pausing and resuming on request.
#include <signal.h>

#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

class PauseTest : public TrainingTest {};

TEST_F(PauseTest, AQueuedJobIsPausedAtOnceAndNotStarted) {
  const auto other = StartTraining();
  const std::string id = Submit(Training("waiting"));
  ASSERT_OK_AND_ASSIGN(const v1::Job paused, engine_->Pause(id));
  EXPECT_EQ(paused.state(), v1::PAUSED);
  EXPECT_EQ(engine_->counts().paused, 1);
  const std::string next = Submit(Training("next"));
  other->EmitResult(TrainingResult());
  other->Exit(0);
  ASSERT_TRUE(AwaitState(next, v1::RUNNING));
  EXPECT_EQ(Get(id).state(), v1::PAUSED);
}

TEST_F(PauseTest, ARunningJobIsToldToStopAndGoesOnFromItsCheckpoint) {
  const auto worker = StartTraining();
  worker->EmitEpoch(1);
  ASSERT_OK_AND_ASSIGN(const v1::Job pausing, engine_->Pause("m"));
  EXPECT_EQ(pausing.state(), v1::PAUSING);
  EXPECT_EQ(engine_->counts().running, 1);
  ASSERT_TRUE(worker->WaitForTerminate());
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  EXPECT_EQ(Get(id_).restarts(), 0);
  ASSERT_OK_AND_ASSIGN(const v1::Job queued, engine_->Resume(id_));
  EXPECT_EQ(queued.state(), v1::QUEUED);
  const auto again = workers_->WaitFor(1);
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(again->task().resume());
  again->EmitEpoch(1);  // Told again, journalled once.
  again->EmitEpoch(2);
  int epochs = 0;
  for (const v1::JobEvent& event : Events(id_)) epochs += event.has_epoch() ? 1 : 0;
  EXPECT_EQ(epochs, 2);
}

TEST_F(PauseTest, APausedJobFreesItsSlot) {
  const auto worker = StartTraining();
  const std::string other = Submit(Training("other"));
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(other, v1::RUNNING));
}

TEST_F(PauseTest, AskedTwiceItStaysSo) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::Job pausing, engine_->Pause(id_));
  EXPECT_EQ(pausing.state(), v1::PAUSING);
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  const size_t events = Events(id_).size();
  ASSERT_OK_AND_ASSIGN(const v1::Job paused, engine_->Pause(id_));
  EXPECT_EQ(paused.state(), v1::PAUSED);
  EXPECT_EQ(Events(id_).size(), events);
}

TEST_F(PauseTest, AWorkerThatFinishesBeforeItStopsHasFinished) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::SUCCEEDED));
}

TEST_F(PauseTest, AWorkerThatIsKilledWhileItStopsCostsNoRestart) {
  const auto worker = StartTraining(/*max_restarts=*/0);
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  worker->Die(SIGKILL);
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  EXPECT_EQ(Get(id_).restarts(), 0);
}

TEST_F(PauseTest, AWorkerThatDoesNotStopIsKilledAfterTheGrace) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  ASSERT_TRUE(worker->WaitForTerminate());
  ASSERT_TRUE(clock_.WaitForWaiter(options_.stop_grace));
  clock_.Advance(options_.stop_grace);
  ASSERT_TRUE(worker->WaitForKill());
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
}

TEST_F(PauseTest, APausingJobCanBeCancelled) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::Job cancelling, engine_->Cancel(id_));
  EXPECT_EQ(cancelling.state(), v1::CANCELLING);
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::CANCELLED));
}

TEST_F(PauseTest, APausedJobCanBeCancelledAndItsNameIsFree) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  EXPECT_THAT(engine_->Submit(Training("m")), IsError(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "PAUSED"));
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  EXPECT_THAT(engine_->Submit(Training("m")), IsOk());
}

TEST_F(PauseTest, WhatLeadsNowhereIsRefusedAndNamesBothStates) {
  const auto worker = StartTraining();
  EXPECT_THAT(engine_->Resume(id_), IsError(absl::StatusCode::kFailedPrecondition, "ILLEGAL_TRANSITION",
                                            "is RUNNING and cannot become QUEUED"));
  const std::string waiting = Submit(Training("waiting"));
  EXPECT_THAT(engine_->Resume(waiting), IsError(absl::StatusCode::kFailedPrecondition, "ILLEGAL_TRANSITION",
                                                "is QUEUED and cannot become QUEUED"));
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  EXPECT_THAT(engine_->Pause(id_), IsError(absl::StatusCode::kFailedPrecondition, "ILLEGAL_TRANSITION",
                                           "is CANCELLING and cannot become PAUSED"));
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::CANCELLED));
  EXPECT_THAT(engine_->Pause(id_), IsError(absl::StatusCode::kFailedPrecondition, "ILLEGAL_TRANSITION",
                                           "is CANCELLED and cannot become PAUSED"));
  EXPECT_THAT(engine_->Pause("nobody"), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "nobody"));
}

TEST_F(PauseTest, ResumingIsRefusedWhereTheQueueIsFull) {
  options_.max_queued = 1;
  Reopen();
  StartTraining();
  const std::string paused = Submit(Training("paused"));
  ASSERT_THAT(engine_->Pause(paused), IsOk());
  const std::string waiting = Submit(Training("waiting"));
  EXPECT_THAT(engine_->Resume(paused), IsError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "1 jobs wait"));
  ASSERT_THAT(engine_->Cancel(waiting), IsOk());
  EXPECT_THAT(engine_->Resume(paused), IsOk());
}

TEST_F(PauseTest, AResumedJobHasItsOldPlaceInTheQueue) {
  StartTraining();
  const std::string first = Submit(Training("first"));
  const std::string second = Submit(Training("second"));
  EXPECT_EQ(Get(second).queue_position(), 2);
  ASSERT_THAT(engine_->Pause(first), IsOk());
  EXPECT_EQ(Get(second).queue_position(), 1);
  EXPECT_EQ(Get(first).queue_position(), 0);
  ASSERT_OK_AND_ASSIGN(const v1::Job resumed, engine_->Resume(first));
  EXPECT_EQ(resumed.queue_position(), 1);
  EXPECT_EQ(Get(second).queue_position(), 2);
}

TEST_F(PauseTest, PausedJobsStayPausedOverARestart) {
  const auto worker = StartTraining();
  const std::string waiting = Submit(Training("waiting"));
  ASSERT_THAT(engine_->Pause(waiting), IsOk());
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  ASSERT_TRUE(worker->WaitForTerminate());
  Reopen();
  EXPECT_EQ(Get(id_).state(), v1::PAUSED);
  EXPECT_EQ(Get(waiting).state(), v1::PAUSED);
  ASSERT_THAT(engine_->Resume(id_), IsOk());
  const auto again = workers_->WaitFor(0);
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(again->task().resume());
}

TEST_F(PauseTest, ADrainLetsAPausingJobBecomePaused) {
  const auto worker = StartTraining();
  ASSERT_THAT(engine_->Pause(id_), IsOk());
  ASSERT_TRUE(worker->WaitForTerminate());
  std::thread drain([this] { engine_->Drain(absl::InfiniteFuture()); });
  worker->Exit(75);
  drain.join();
  EXPECT_EQ(Get(id_).state(), v1::PAUSED);
  EXPECT_THAT(engine_->Resume(id_), IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "shutting down"));
}

TEST_F(PauseTest, WhatTheStoreDoesNotTakeHasNotHappened) {
  StartTraining();
  const std::string waiting = Submit(Training("waiting"));
  faulty_store_->FailWrites(absl::ResourceExhaustedError("full"), 2);
  EXPECT_THAT(engine_->Pause(waiting), IsError(absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "full"));
  EXPECT_THAT(engine_->Pause(id_), IsError(absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "full"));
  EXPECT_EQ(Get(waiting).state(), v1::QUEUED);
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  EXPECT_THAT(engine_->Pause(id_), IsOk());
}

}  // namespace
}  // namespace deepbindnet
