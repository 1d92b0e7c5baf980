#include "server/jobs/worker_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/file_descriptor.h"
#include "core/base/mutex.h"
#include "tests/server/jobs/worker_events.h"
#include "tests/support/fake_worker_launcher.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What a worker told, for the test's thread to wait on.
class Observed {
 public:
  WorkerCallbacks Callbacks() {
    return {[this](v1::WorkerEvent event) {
              MutexLock lock(&mutex_);
              events_.push_back(std::move(event));
              changed_.SignalAll();
            },
            [this](WorkerExit exit) {
              MutexLock lock(&mutex_);
              exit_ = std::move(exit);
              changed_.SignalAll();
            }};
  }
  bool WaitForEvents(size_t count) {
    MutexLock lock(&mutex_);
    while (events_.size() < count) {
      if (!changed_.WaitUntil(&mutex_, TestDeadline())) return events_.size() >= count;
    }
    return true;
  }
  // Code -1: it did not end before TestDeadline().
  WorkerExit WaitForExit() {
    MutexLock lock(&mutex_);
    while (!exit_) {
      if (!changed_.WaitUntil(&mutex_, TestDeadline()) && !exit_) return {WorkerExit::How::kExited, -1, "still there"};
    }
    return *exit_;
  }
  std::vector<v1::WorkerEvent> events() {
    MutexLock lock(&mutex_);
    return events_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<v1::WorkerEvent> events_ ABSL_GUARDED_BY(mutex_);
  std::optional<WorkerExit> exit_ ABSL_GUARDED_BY(mutex_);
};

class WorkerProcessTest : public ::testing::Test {
 protected:
  // Starts a worker that is the shell script `body`; "$events" is a file of `events`, "$dir" the test's directory.
  std::unique_ptr<WorkerHandle> Start(const std::string& body, const std::string& events, Observed* observed,
                                      const std::map<std::string, std::string>& environment = {}) {
    WriteTestFile(dir_ / "events", events);
    const std::string script = absl::StrCat("#!/bin/sh\ndir=", dir_.path(), "\nevents=$dir/events\n", body, "\n");
    EXPECT_THAT(WriteFileAtomically(dir_ / "worker", script), IsOk());
    chmod((dir_ / "worker").c_str(), 0755);
    auto launcher = MakeProcessLauncher(dir_ / "worker");
    EXPECT_THAT(launcher, IsOk());
    if (!launcher.ok()) return nullptr;
    v1::WorkerTask task;
    task.set_input_file("the input");
    auto handle = (*launcher)->Launch(task, dir_ / "job", environment, observed->Callbacks());
    EXPECT_THAT(handle, IsOk());
    return handle.ok() ? *std::move(handle) : nullptr;
  }
  std::string LogOfWorker() { return ReadFile(dir_ / "job/worker.log").value_or("(no log)"); }

  const TempDir dir_;
};

TEST_F(WorkerProcessTest, DeliversEventsAndTheExitCode) {
  Observed observed;
  auto worker = Start("cat $events >&3; exit 7", Delimited(Log("a")) + Delimited(Log("b")), &observed);
  const WorkerExit exit = observed.WaitForExit();
  EXPECT_EQ(exit.how, WorkerExit::How::kExited);
  EXPECT_EQ(exit.value, 7);
  ASSERT_THAT(observed.events(), SizeIs(2));
  EXPECT_EQ(observed.events()[0].log().text(), "a");
  EXPECT_EQ(observed.events()[1].log().text(), "b");
}

TEST_F(WorkerProcessTest, DeliversEventsWhileItRuns) {
  Observed observed;
  auto worker = Start("cat $events >&3; exec sleep 1000", Delimited(Log("a")), &observed);
  EXPECT_TRUE(observed.WaitForEvents(1));
}

TEST_F(WorkerProcessTest, IgnoresAMessageThatTheEndCutsOff) {
  const std::string whole = Delimited(Log("whole"));
  Observed observed;
  auto worker = Start("cat $events >&3", whole + whole.substr(0, whole.size() - 2), &observed);
  EXPECT_EQ(observed.WaitForExit().value, 0);
  EXPECT_THAT(observed.events(), SizeIs(1));
}

TEST_F(WorkerProcessTest, DeliversMoreThanAPipeHolds) {
  std::string events;
  for (int i = 0; i < 500; ++i) events += Delimited(Log(std::string(1000, 'x')));
  Observed observed;
  auto worker = Start("cat $events >&3", events, &observed);
  EXPECT_EQ(observed.WaitForExit().value, 0);
  EXPECT_THAT(observed.events(), SizeIs(500));
}

TEST_F(WorkerProcessTest, KillsAWorkerThatWritesNoEvents) {
  Observed observed;
  auto worker = Start("cat $events >&3; exec sleep 1000", std::string(100, '\xff'), &observed);
  const WorkerExit exit = observed.WaitForExit();
  EXPECT_EQ(exit.how, WorkerExit::How::kSignalled);
  EXPECT_EQ(exit.value, SIGKILL);
  EXPECT_THAT(observed.events(), IsEmpty());
}

TEST_F(WorkerProcessTest, GivesTheTaskAndTheNumberOfThePipe) {
  Observed observed;
  auto worker = Start("echo \"$1 $2 $3 $4 $5\"", "", &observed);
  EXPECT_EQ(observed.WaitForExit().value, 0);
  EXPECT_EQ(LogOfWorker(), absl::StrCat("run --task ", dir_ / "job/task.pb", " --events-fd 3\n"));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(dir_ / "job/task.pb"));
  v1::WorkerTask task;
  ASSERT_TRUE(task.ParseFromString(bytes));
  EXPECT_EQ(task.input_file(), "the input");
}

TEST_F(WorkerProcessTest, AppendsOutputToTheLog) {
  Observed first;
  auto worker = Start("echo one; echo two >&2", "", &first);
  first.WaitForExit();
  Observed second;
  worker = Start("echo three", "", &second);
  second.WaitForExit();
  EXPECT_EQ(LogOfWorker(), "one\ntwo\nthree\n");
}

TEST_F(WorkerProcessTest, HasTheEnvironmentOfTheServerButWhatIsItsOwn) {
  setenv("CUDA_VISIBLE_DEVICES", "0,1,2", 1);
  Observed observed;
  auto worker = Start("echo $CUDA_VISIBLE_DEVICES $PATH", "", &observed, {{"CUDA_VISIBLE_DEVICES", "2"}});
  observed.WaitForExit();
  unsetenv("CUDA_VISIBLE_DEVICES");
  EXPECT_EQ(LogOfWorker(), absl::StrCat("2 ", getenv("PATH"), "\n"));
}

TEST_F(WorkerProcessTest, InheritsOnlyPipeAndLock) {
  Observed observed;
  auto worker = Start("for f in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && printf $f; done; true", "", &observed);
  EXPECT_EQ(observed.WaitForExit().value, 0);
  EXPECT_THAT(LogOfWorker(), HasSubstr("01234"));
  for (const char* other : {"5", "6", "7", "8", "9"}) EXPECT_THAT(LogOfWorker(), ::testing::Not(HasSubstr(other)));
}

TEST_F(WorkerProcessTest, TerminateLetsItStopByItself) {
  Observed observed;
  auto worker =
      Start("trap 'exit 75' TERM; cat $events >&3; while :; do sleep 0.01; done", Delimited(Log("ready")), &observed);
  ASSERT_TRUE(observed.WaitForEvents(1));
  worker->Terminate();
  const WorkerExit exit = observed.WaitForExit();
  EXPECT_EQ(exit.how, WorkerExit::How::kExited);
  EXPECT_EQ(exit.value, 75);
}

TEST_F(WorkerProcessTest, TerminateReachesItThoughTheServerBlocksTheSignal) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  Observed observed;
  auto worker = Start("cat $events >&3; exec sleep 1000", Delimited(Log("ready")), &observed);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(observed.WaitForEvents(1));
  worker->Terminate();
  const WorkerExit exit = observed.WaitForExit();
  EXPECT_EQ(exit.how, WorkerExit::How::kSignalled);
  EXPECT_EQ(exit.value, SIGTERM);
}

TEST_F(WorkerProcessTest, KillEndsOneThatDoesNotListen) {
  Observed observed;
  auto worker =
      Start("trap '' TERM; cat $events >&3; while :; do sleep 0.01; done", Delimited(Log("ready")), &observed);
  ASSERT_TRUE(observed.WaitForEvents(1));
  worker->Terminate();
  worker->Kill();
  const WorkerExit exit = observed.WaitForExit();
  EXPECT_EQ(exit.how, WorkerExit::How::kSignalled);
  EXPECT_EQ(exit.value, SIGKILL);
}

TEST_F(WorkerProcessTest, SignalsAfterTheEndAreHarmless) {
  Observed observed;
  auto worker = Start("exit 0", "", &observed);
  EXPECT_EQ(observed.WaitForExit().value, 0);
  worker->Terminate();
  worker->Kill();
}

TEST_F(WorkerProcessTest, EndsWithTheWorkerAndTakesItsChildrenAlong) {
  Observed observed;
  // The child holds the pipe open, and waits for ever.
  auto worker = Start("sleep 1000 & echo $!; cat $events >&3; kill -9 $$", Delimited(Log("a")), &observed);
  const WorkerExit exit = observed.WaitForExit();
  EXPECT_EQ(exit.value, SIGKILL);
  EXPECT_THAT(observed.events(), SizeIs(1));
  // The child holds the lock as long as it lives.
  const FileDescriptor lock(open((dir_ / "job/worker.lock").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(flock(lock.get(), LOCK_EX), 0);
}

TEST_F(WorkerProcessTest, ReapsTheWorkersChildrenWhereTheyComeToThisProcess) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // As process 1 of a container is.
  Observed observed;
  auto worker = Start("sleep 1000 & cat $events >&3; kill -9 $$", "", &observed);
  EXPECT_EQ(observed.WaitForExit().value, SIGKILL);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(WorkerProcessTest, AnEndThatNobodyCanTellIsNoSuccess) {
  Observed observed;
  auto worker =
      Start("trap 'exit 0' TERM; cat $events >&3; while :; do sleep 0.01; done", Delimited(Log("ready")), &observed);
  ASSERT_TRUE(observed.WaitForEvents(1));
  const auto before = signal(SIGCHLD, SIG_IGN);  // The kernel reaps it.
  worker->Terminate();
  const WorkerExit exit = observed.WaitForExit();
  signal(SIGCHLD, before);
  EXPECT_EQ(exit.how, WorkerExit::How::kUnknown);
  EXPECT_EQ(exit.message, "No child processes");
}

// While it lives no thread can be started: there is no address space for its stack.
class NoThreads {
 public:
  NoThreads() {
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 47), 0);
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    pthread_attr_destroy(&huge);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

TEST_F(WorkerProcessTest, KillsAWorkerThatNoThreadCanFollow) {
  WriteTestFile(dir_ / "worker", "#!/bin/sh\nexec sleep 1000\n");
  chmod((dir_ / "worker").c_str(), 0755);
  ASSERT_OK_AND_ASSIGN(const auto launcher, MakeProcessLauncher(dir_ / "worker"));
  Observed observed;
  {
    const NoThreads no_threads;
    EXPECT_THAT(launcher->Launch(v1::WorkerTask(), dir_ / "job", {}, observed.Callbacks()),
                IsError(absl::StatusCode::kInternal, "INTERNAL", "cannot start a thread for the worker"));
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(WorkerProcessTest, DestroyingTheHandleKillsTheWorker) {
  Observed observed;
  auto worker = Start("exec sleep 1000", "", &observed);
  worker = nullptr;
  EXPECT_EQ(observed.WaitForExit().value, SIGKILL);
}

TEST_F(WorkerProcessTest, AnOrphanOfTheSameJobIsKilledFirst) {
  Observed orphan;
  auto left_behind = Start("cat $events >&3; exec sleep 1000", Delimited(Log("ready")), &orphan);
  ASSERT_TRUE(orphan.WaitForEvents(1));
  Observed next;
  auto worker = Start("exit 0", "", &next);
  EXPECT_EQ(orphan.WaitForExit().value, SIGKILL);
  EXPECT_EQ(next.WaitForExit().value, 0);
}

TEST_F(WorkerProcessTest, NamesABinaryThatCannotBeExecuted) {
  EXPECT_THAT(MakeProcessLauncher(dir_ / "none"),
              IsError(absl::StatusCode::kFailedPrecondition, "WORKER_NOT_FOUND", dir_ / "none"));
}

TEST_F(WorkerProcessTest, NamesABinaryThatIsGoneWhenItIsNeeded) {
  WriteTestFile(dir_ / "worker", "#!/none/such\n");
  chmod((dir_ / "worker").c_str(), 0755);
  ASSERT_OK_AND_ASSIGN(const auto launcher, MakeProcessLauncher(dir_ / "worker"));
  Observed observed;
  EXPECT_THAT(launcher->Launch(v1::WorkerTask(), dir_ / "job", {}, observed.Callbacks()),
              IsError(absl::StatusCode::kInternal, "INTERNAL", absl::StrCat("cannot start ", dir_ / "worker")));
}

}  // namespace
}  // namespace deepbindnet
