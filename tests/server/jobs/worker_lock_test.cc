#include "server/jobs/worker_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

constexpr absl::Duration kNoPatience = absl::ZeroDuration();

class WorkerLockTest : public ::testing::Test {
 protected:
  // A process in a group of its own that waits for ever and holds nothing of ours.
  void SetUp() override {
    other_ = fork();
    if (other_ == 0) {
      while (true) pause();
    }
    ASSERT_GT(other_, 0);
    ASSERT_EQ(setpgid(other_, other_), 0);
  }
  void TearDown() override {
    if (other_ > 0) EndOther();
  }

  // Ends the process with a SIGTERM; returns the signal that it had got before, else that one.
  int EndOther() {
    int status = 0;
    kill(other_, SIGTERM);
    waitpid(std::exchange(other_, 0), &status, 0);
    return WTERMSIG(status);
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "worker.lock";
  pid_t other_ = 0;
};

TEST_F(WorkerLockTest, ForgetsThePredecessor) {
  ASSERT_THAT(WriteFileAtomically(path_, "4242 17"), IsOk());
  ASSERT_OK_AND_ASSIGN(const FileDescriptor lock, AcquireWorkerLock(path_, kNoPatience));
  EXPECT_EQ(std::filesystem::file_size(path_), 0);
}

TEST_F(WorkerLockTest, KillsTheProcessThatIsNoted) {
  ASSERT_OK_AND_ASSIGN(FileDescriptor lock, AcquireWorkerLock(path_, kNoPatience));
  RecordWorkerPid(lock.get(), other_);
  EXPECT_THAT(AcquireWorkerLock(path_, kNoPatience),
              IsError(absl::StatusCode::kUnavailable, "UNAVAILABLE", "still holds"));
  EXPECT_EQ(EndOther(), SIGKILL);
}

TEST_F(WorkerLockTest, SparesAStrangerThatHasTheNumberByNow) {
  ASSERT_OK_AND_ASSIGN(FileDescriptor lock, AcquireWorkerLock(path_, kNoPatience));
  const std::string stranger = absl::StrCat(other_, " 1");  // Began with the machine: another process.
  ASSERT_EQ(pwrite(lock.get(), stranger.data(), stranger.size(), 0), static_cast<ssize_t>(stranger.size()));
  EXPECT_THAT(AcquireWorkerLock(path_, kNoPatience),
              IsError(absl::StatusCode::kUnavailable, "UNAVAILABLE", "still holds"));
  EXPECT_EQ(EndOther(), SIGTERM) << "it lived";
}

}  // namespace
}  // namespace deepbindnet
