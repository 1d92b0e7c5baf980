#include "server/jobs/run_outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/server/jobs/worker_events.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

v1::Job Running(uint32_t restarts = 0, uint32_t max_restarts = 3) {
  v1::Job job;
  job.set_state(v1::RUNNING);
  job.mutable_spec()->mutable_train()->set_model("m");
  job.set_restarts(restarts);
  job.set_max_restarts(max_restarts);
  return job;
}

RunReport Exited(int code) {
  RunReport report;
  report.exit.value = code;
  return report;
}

RunReport Killed(int signal) {
  RunReport report;
  report.exit.how = WorkerExit::How::kSignalled;
  report.exit.value = signal;
  return report;
}

TEST(DecideOutcomeTest, ZeroWithTheRightResultIsSuccess) {
  RunReport report = Exited(0);
  report.result = TrainingResult();
  EXPECT_EQ(DecideOutcome(Running(), report).to, v1::SUCCEEDED);
}

TEST(DecideOutcomeTest, ZeroWithoutOrWithAnotherResultIsFailure) {
  RunReport report = Exited(0);
  EXPECT_EQ(DecideOutcome(Running(), report).to, v1::FAILED);
  report.result.emplace().mutable_dataset();
  const Outcome outcome = DecideOutcome(Running(), report);
  EXPECT_EQ(outcome.to, v1::FAILED);
  EXPECT_EQ(outcome.error.reason(), "WORKER_PROTOCOL");
}

TEST(DecideOutcomeTest, AFullDiskPauses) {
  RunReport report = Exited(1);
  report.error.emplace().set_reason("DISK_FULL");
  report.error->set_message("cannot write x");
  const Outcome outcome = DecideOutcome(Running(3, 3), report);
  EXPECT_EQ(outcome.to, v1::PAUSED);
  EXPECT_EQ(outcome.error.reason(), "DISK_FULL");
  EXPECT_FALSE(outcome.crashed);
  v1::Job pausing = Running();
  pausing.set_state(v1::PAUSING);
  EXPECT_EQ(DecideOutcome(pausing, report).to, v1::PAUSED);
  EXPECT_EQ(DecideOutcome(pausing, report).error.reason(), "");  // The user's pause: it does not go on by itself.
}

TEST(DecideOutcomeTest, APausingJobIsPausedHoweverItsWorkerWasStopped) {
  v1::Job pausing = Running(3, 3);
  pausing.set_state(v1::PAUSING);
  EXPECT_EQ(DecideOutcome(pausing, Exited(75)).to, v1::PAUSED);
  EXPECT_EQ(DecideOutcome(pausing, Killed(SIGKILL)).to, v1::PAUSED);
  RunReport lost = Exited(1);
  lost.error.emplace().set_reason("RANK_LOST");
  EXPECT_EQ(DecideOutcome(pausing, lost).to, v1::PAUSED);
  RunReport drained = Exited(75);
  drained.draining = true;
  EXPECT_EQ(DecideOutcome(pausing, drained).to, v1::PAUSED);
  RunReport wrong = Exited(1);
  wrong.error.emplace().set_reason("INVALID_FIELD");
  EXPECT_EQ(DecideOutcome(pausing, wrong).to, v1::FAILED);
  RunReport done = Exited(0);
  done.result = TrainingResult();
  EXPECT_EQ(DecideOutcome(pausing, done).to, v1::SUCCEEDED);
}

TEST(DecideOutcomeTest, OneWithAnErrorIsFailureWithIt) {
  RunReport report = Exited(1);
  report.error.emplace().set_reason("INVALID_FIELD");
  report.error->set_message("lr: 9 is too high");
  const Outcome outcome = DecideOutcome(Running(), report);
  EXPECT_EQ(outcome.to, v1::FAILED);
  EXPECT_EQ(outcome.error.reason(), "INVALID_FIELD");
  EXPECT_EQ(outcome.error.message(), "lr: 9 is too high");
  EXPECT_FALSE(outcome.crashed);
}

TEST(DecideOutcomeTest, EverythingElseIsACrashThatIsTriedAgain) {
  RunReport unknown;
  unknown.exit = {WorkerExit::How::kUnknown, 0, "no child"};
  unknown.result = TrainingResult();
  for (const RunReport& report : {Exited(1), Exited(75), Exited(3), Killed(SIGSEGV), unknown}) {
    const Outcome outcome = DecideOutcome(Running(2, 3), report);
    EXPECT_EQ(outcome.to, v1::QUEUED);
    EXPECT_TRUE(outcome.crashed);
    EXPECT_THAT(outcome.why, EndsWith("; restart 3 of 3"));
  }
}

TEST(DecideOutcomeTest, ALostRankIsACrash) {
  RunReport report = Exited(1);
  report.error.emplace();
  report.error->set_reason("RANK_LOST");
  report.error->set_message("rank 0 of 2: another process has ended");
  Outcome outcome = DecideOutcome(Running(2, 3), report);
  EXPECT_EQ(outcome.to, v1::QUEUED);
  EXPECT_TRUE(outcome.crashed);
  EXPECT_EQ(outcome.why, "rank 0 of 2: another process has ended; restart 3 of 3");
  outcome = DecideOutcome(Running(3, 3), report);
  EXPECT_EQ(outcome.to, v1::FAILED);
  EXPECT_EQ(outcome.error.message(), "rank 0 of 2: another process has ended after 3 restarts");
}

TEST(DecideOutcomeTest, ACrashTooManyIsFailureThatNamesTheSignal) {
  const Outcome outcome = DecideOutcome(Running(3, 3), Killed(SIGSEGV));
  EXPECT_EQ(outcome.to, v1::FAILED);
  EXPECT_EQ(outcome.error.reason(), "WORKER_CRASHED");
  EXPECT_EQ(outcome.error.message(), "the worker was killed by signal 11 (SIGSEGV) after 3 restarts");
  EXPECT_TRUE(outcome.crashed);
}

TEST(DecideOutcomeTest, AKilledWorkerPointsAtMemory) {
  EXPECT_THAT(DecideOutcome(Running(0, 0), Killed(SIGKILL)).error.message(), HasSubstr("out of memory"));
}

TEST(DecideOutcomeTest, AWorkerThatWasNotStartedIsQueuedHoweverOftenItWas) {
  RunReport report;
  report.exit = {WorkerExit::How::kNotStarted, 0, "no memory"};
  const Outcome outcome = DecideOutcome(Running(3, 3), report);
  EXPECT_EQ(outcome.to, v1::QUEUED);
  EXPECT_EQ(outcome.why, "the worker could not be started: no memory");
  EXPECT_TRUE(outcome.not_started);
  EXPECT_FALSE(outcome.crashed);
}

TEST(DecideOutcomeTest, ADrainedWorkerIsQueuedWithoutCountingARestart) {
  for (RunReport report : {Exited(75), Killed(SIGKILL), Killed(SIGTERM), Exited(1)}) {
    report.draining = true;
    const Outcome outcome = DecideOutcome(Running(3, 3), report);
    EXPECT_EQ(outcome.to, v1::QUEUED);
    EXPECT_FALSE(outcome.crashed);
  }
}

TEST(DecideOutcomeTest, AJobThatEndsWhileTheServerDrainsHasEnded) {
  RunReport report = Exited(0);
  report.draining = true;
  report.result = TrainingResult();
  EXPECT_EQ(DecideOutcome(Running(), report).to, v1::SUCCEEDED);
  report = Exited(1);
  report.draining = true;
  report.error.emplace().set_reason("X");
  EXPECT_EQ(DecideOutcome(Running(), report).to, v1::FAILED);
}

TEST(DecideOutcomeTest, ACancelledJobIsCancelledWhateverTheWorkerDid) {
  v1::Job job = Running();
  job.set_state(v1::CANCELLING);
  RunReport done = Exited(0);
  done.result = TrainingResult();
  RunReport drained = Exited(75);
  drained.draining = true;
  for (const RunReport& report : {done, drained, Exited(1), Exited(75), Killed(SIGKILL)}) {
    EXPECT_EQ(DecideOutcome(job, report).to, v1::CANCELLED);
  }
}

TEST(DescribeExitTest, IsReadable) {
  EXPECT_EQ(DescribeExit(Exited(3).exit), "exited with code 3");
  EXPECT_EQ(DescribeExit(Killed(SIGKILL).exit), "was killed by signal 9 (SIGKILL)");
  EXPECT_EQ(DescribeExit(Killed(SIGRTMIN + 3).exit), absl::StrCat("was killed by signal ", SIGRTMIN + 3));
  EXPECT_EQ(DescribeExit({WorkerExit::How::kUnknown, 0, "no child"}), "is gone, and how it ended is unknown: no child");
  EXPECT_EQ(DescribeExit({WorkerExit::How::kNotStarted, 0, "no memory"}), "could not be started: no memory");
}

TEST(LogTailTest, JoinsTheLastFiveLines) {
  const TempDir dir;
  WriteTestFile(dir / "log", "1\n2\n\n3\n4\n5\n6\n");
  EXPECT_EQ(LogTail(dir / "log"), "2 | 3 | 4 | 5 | 6");
}

TEST(LogTailTest, LooksAtTheLast2000BytesAndKeepsAsciiOnly) {
  const TempDir dir;
  WriteTestFile(dir / "log", "begin" + std::string(1995, 'x') + "\xff\xc3\x07 end");
  const std::string tail = LogTail(dir / "log");
  EXPECT_EQ(tail.size(), 2000);
  EXPECT_THAT(tail, EndsWith("x??? end"));
}

TEST(LogTailTest, IsEmptyWithoutALog) {
  const TempDir dir;
  EXPECT_EQ(LogTail(dir / "none"), "");
  WriteTestFile(dir / "empty", "");
  EXPECT_EQ(LogTail(dir / "empty"), "");
}

}  // namespace
}  // namespace deepbindnet
