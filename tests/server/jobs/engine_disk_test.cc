// What a full disk does to jobs.
#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;

class DiskTest : public TrainingTest {
 protected:
  DiskTest() { options_.min_free_bytes = 100 * kMiB; }

  // The engine has looked at the disk when this returns true.
  bool LookAtDisk(uint64_t free_bytes) {
    free_bytes_ = free_bytes;
    if (!clock_.WaitForWaiter(kDiskCheckInterval)) return false;
    clock_.Advance(kDiskCheckInterval);
    return true;
  }
  // Job id_, which `worker` has, is paused then.
  void FillDisk(FakeWorker* worker) {
    ASSERT_TRUE(LookAtDisk(0));
    ASSERT_TRUE(worker->WaitForTerminate());
    worker->Exit(75);
    ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  }
};

TEST_F(DiskTest, TooLittleSpacePausesWhatRunsAndSaysWhy) {
  const auto worker = StartTraining();
  ASSERT_TRUE(LookAtDisk(99 * kMiB));
  ASSERT_TRUE(worker->WaitForTerminate());
  EXPECT_EQ(Get(id_).state(), v1::PAUSING);
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  const v1::Job paused = Get(id_);
  EXPECT_EQ(paused.pause().reason(), "DISK_FULL");
  EXPECT_THAT(paused.pause().message(), HasSubstr("has 99 MiB left, and less than 100 MiB pauses its jobs"));
  EXPECT_THAT(paused.pause().message(), HasSubstr("once 200 MiB are free"));
}

TEST_F(DiskTest, PausedJobsGoOnOnceTwiceAsMuchIsFree) {
  const auto worker = StartTraining();
  FillDisk(worker.get());
  ASSERT_TRUE(LookAtDisk(199 * kMiB));
  ASSERT_TRUE(clock_.WaitForWaiter(kDiskCheckInterval));  // It has looked and waits for the next time.
  EXPECT_EQ(Get(id_).state(), v1::PAUSED);
  ASSERT_TRUE(LookAtDisk(200 * kMiB));
  const auto again = workers_->WaitFor(1);
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(again->task().resume());
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  EXPECT_FALSE(Get(id_).has_pause());
}

TEST_F(DiskTest, NothingStartsWhileThereIsNoSpace) {
  const auto worker = StartTraining();
  FillDisk(worker.get());
  const std::string other = Submit(Training("other"));
  ASSERT_TRUE(LookAtDisk(1));
  ASSERT_TRUE(clock_.WaitForWaiter(kDiskCheckInterval));
  EXPECT_EQ(Get(other).state(), v1::QUEUED);
  EXPECT_EQ(Get(other).pause().reason(), "DISK_FULL");  // Why it does not start.
  EXPECT_EQ(workers_->started(), 1);
  ASSERT_TRUE(LookAtDisk(1000 * kMiB));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
}

TEST_F(DiskTest, AWorkerThatFindsTheDiskFullPausesItsJobInsteadOfFailingIt) {
  const auto worker = StartTraining(/*max_restarts=*/0);
  worker->EmitError("DISK_FULL", "cannot write best_model.pt: No space left on device");
  worker->Exit(1);
  ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
  EXPECT_EQ(Get(id_).pause().reason(), "DISK_FULL");
  EXPECT_THAT(Get(id_).pause().message(), HasSubstr("No space left on device; it goes on by itself"));
  EXPECT_EQ(Get(id_).restarts(), 0);
  ASSERT_TRUE(LookAtDisk(1000 * kMiB));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
}

TEST_F(DiskTest, OneThatFindsItFullAgainAndAgainIsTriedLessOften) {
  auto worker = StartTraining();
  for (const absl::Duration backoff : {absl::Seconds(1), absl::Seconds(2), absl::Seconds(4)}) {
    const size_t started = workers_->started();
    worker->EmitError("DISK_FULL", "quota exceeded");
    worker->Exit(1);
    ASSERT_TRUE(AwaitState(id_, v1::PAUSED));
    const absl::Time earliest = clock_.Now() + backoff;
    while (clock_.Now() + kDiskCheckInterval < earliest) {
      ASSERT_TRUE(LookAtDisk(1000 * kMiB));
      ASSERT_TRUE(clock_.WaitForWaiter(kDiskCheckInterval));
      EXPECT_EQ(Get(id_).state(), v1::PAUSED);
    }
    ASSERT_TRUE(LookAtDisk(1000 * kMiB));
    worker = workers_->WaitFor(started);
    ASSERT_NE(worker, nullptr);
  }
}

TEST_F(DiskTest, AUsersPauseOutlastsTheDisks) {
  const auto worker = StartTraining();
  FillDisk(worker.get());
  ASSERT_OK_AND_ASSIGN(const v1::Job paused, engine_->Pause(id_));
  EXPECT_FALSE(paused.has_pause());
  const std::string other = Submit(Training("other"));
  ASSERT_TRUE(LookAtDisk(1000 * kMiB));
  ASSERT_TRUE(AwaitState(other, v1::RUNNING));
  EXPECT_EQ(Get(id_).state(), v1::PAUSED);
}

TEST_F(DiskTest, JobsThatWaitForSpaceGoOnAfterARestart) {
  const auto worker = StartTraining();
  ASSERT_TRUE(LookAtDisk(0));
  ASSERT_TRUE(worker->WaitForTerminate());
  Close();
  free_bytes_ = 1000 * kMiB;
  Open();
  ASSERT_NE(workers_->WaitFor(0), nullptr);
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
}

TEST_F(DiskTest, AnEndThatTheDiskDoesNotTakeIsShown) {
  const auto worker = StartTraining();
  faulty_store_->FailWrites(WithReason(absl::ResourceExhaustedError("disk full"), "DISK_FULL"), 1);
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(faulty_store_->WaitForFailures(1));
  ASSERT_TRUE(clock_.WaitForWaiter(kRetryAfter));
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  EXPECT_EQ(Get(id_).pause().reason(), "DISK_FULL");
  EXPECT_THAT(Get(id_).pause().message(), HasSubstr("its end cannot be recorded yet"));
  clock_.Advance(kRetryAfter);
  ASSERT_TRUE(AwaitState(id_, v1::SUCCEEDED));
  EXPECT_FALSE(Get(id_).has_pause());
}

}  // namespace
}  // namespace deepbindnet
