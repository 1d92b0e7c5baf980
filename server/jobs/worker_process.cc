#include "server/jobs/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/file.h"
#include "core/base/file_descriptor.h"
#include "core/base/mutex.h"
#include "core/base/spawn_arguments.h"
#include "server/jobs/event_decoder.h"
#include "server/jobs/worker_lock.h"

namespace deepbindnet {
namespace {

// The worker's view of what it inherits, beside 0, 1 and 2.
constexpr int kEventsFd = 3;
constexpr int kLockFd = 4;
constexpr int kFirstClosedFd = 5;

// How long a killed worker of a dead server may take to go.
constexpr absl::Duration kOrphanPatience = absl::Seconds(2);

absl::Status SystemError(absl::string_view what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

struct Pipe {
  FileDescriptor read_end;  // Does not block.
  FileDescriptor write_end;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("cannot make a pipe", errno);
  Pipe made{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  if (fcntl(made.read_end.get(), F_SETFL, O_NONBLOCK) != 0) return SystemError("cannot set up a pipe", errno);
  return made;
}

// A copy out of the way of the numbers that the worker's descriptors get.
absl::StatusOr<FileDescriptor> MoveUp(FileDescriptor descriptor) {
  FileDescriptor moved(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kFirstClosedFd));
  if (moved.get() < 0) return SystemError("cannot copy a file descriptor", errno);
  return moved;
}

class SpawnSetup {
 public:
  SpawnSetup(int events_fd, int lock_fd, const std::string& log_file) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, events_fd, kEventsFd);
    posix_spawn_file_actions_adddup2(&actions_, lock_fd, kLockFd);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kFirstClosedFd);

    posix_spawnattr_init(&attributes_);
    // Its own group, so that Ctrl-C on the server's terminal is the server's to handle; the server's signal mask and
    // ignored signals are no business of the worker.
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2}) {
      sigaddset(&defaults, signal);
    }
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
  }
  ~SpawnSetup() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

absl::StatusOr<pid_t> Spawn(const std::string& binary, const std::string& task_file, const SpawnSetup& setup,
                            std::vector<std::string> environment) {
  std::vector<std::string> arguments = {binary, "run", "--task", task_file, "--events-fd", absl::StrCat(kEventsFd)};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, binary.c_str(), setup.actions(), setup.attributes(),
                                NullTerminated(&arguments).data(), NullTerminated(&environment).data());
  if (error != 0) return SystemError(absl::StrCat("cannot start ", binary), error);
  return pid;
}

// Of a worker that nobody follows.
void KillAndReap(pid_t pid) {
  kill(-pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

class WorkerProcess : public WorkerHandle {
 public:
  // std::system_error where no thread can be started.
  WorkerProcess(pid_t pid, FileDescriptor pid_fd, FileDescriptor events, WorkerCallbacks callbacks)
      : pid_(pid), pid_fd_(std::move(pid_fd)), events_(std::move(events)), callbacks_(std::move(callbacks)) {
    reader_ = std::thread([this] { Follow(); });
  }

  ~WorkerProcess() override {
    Kill();
    reader_.join();
  }

  void Terminate() override { Signal(pid_, SIGTERM); }
  void Kill() override { Signal(-pid_, SIGKILL); }

 private:
  // Once reaped, the number may be another process's.
  void Signal(pid_t target, int signal) {
    MutexLock lock(&mutex_);
    if (!reaped_) kill(target, signal);
  }

  void Follow() {
    // The end of the process and not of the pipe is what counts: a process that the worker started may hold the pipe.
    bool exited = false;
    while (!exited) {
      std::array<pollfd, 2> waiting = {pollfd{pid_fd_.get(), POLLIN, 0}, pollfd{events_.get(), POLLIN, 0}};
      if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) break;
      exited = waiting[0].revents != 0;
      if (!exited && waiting[1].revents != 0) ReadEvents();
    }
    Kill();  // The rest of its group; it is a zombie itself, so the number is still its own.
    ReadEvents();
    WorkerExit exit = Reap();
    ReapOrphans();
    callbacks_.on_exit(std::move(exit));
  }

  // Reads what there is. Closes the pipe at its end, or where it cannot be understood (then the worker is killed).
  void ReadEvents() {
    std::array<char, 1 << 16> block;
    while (events_.get() >= 0) {
      const ssize_t count = read(events_.get(), block.data(), block.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      std::vector<v1::WorkerEvent> events;
      const bool understood =
          count > 0 && decoder_.Feed(absl::string_view(block.data(), static_cast<size_t>(count)), &events).ok();
      for (v1::WorkerEvent& event : events) callbacks_.on_event(std::move(event));
      if (understood) continue;
      if (count > 0) Kill();
      events_.Close();
    }
  }

  WorkerExit Reap() {
    int status = 0;
    pid_t ended = 0;
    MutexLock lock(&mutex_);
    do {
      ended = waitpid(pid_, &status, 0);
    } while (ended < 0 && errno == EINTR);
    reaped_ = true;
    if (ended < 0) return {WorkerExit::How::kUnknown, 0, std::strerror(errno)};
    WorkerExit exit;
    exit.how = WIFSIGNALED(status) ? WorkerExit::How::kSignalled : WorkerExit::How::kExited;
    exit.value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return exit;
  }

  // The rest of the group has been killed. Where orphans come to us, as to process 1 of a container, nobody else reaps
  // them. Those that are not gone in a second stay zombies.
  void ReapOrphans() {
    const absl::Time deadline = absl::Now() + absl::Seconds(1);
    while (true) {
      const pid_t ended = waitpid(-pid_, nullptr, WNOHANG);
      if (ended < 0 || (ended == 0 && absl::Now() >= deadline)) return;
      if (ended == 0) absl::SleepFor(absl::Milliseconds(5));
    }
  }

  // Constant after construction.
  const pid_t pid_;  // Also its process group.
  const FileDescriptor pid_fd_;
  std::thread reader_;

  // Used by the reader thread alone.
  FileDescriptor events_;
  EventDecoder decoder_;
  const WorkerCallbacks callbacks_;

  Mutex mutex_;
  bool reaped_ ABSL_GUARDED_BY(mutex_) = false;
};

class ProcessLauncher : public WorkerLauncher {
 public:
  explicit ProcessLauncher(std::string binary) : binary_(std::move(binary)) {}

  absl::StatusOr<std::unique_ptr<WorkerHandle>> Launch(const v1::WorkerTask& task, const std::string& job_dir,
                                                       const std::map<std::string, std::string>& environment,
                                                       WorkerCallbacks callbacks) override {
    DBN_RETURN_IF_ERROR(MakeDirectories(job_dir));
    DBN_ASSIGN_OR_RETURN(FileDescriptor held,
                         AcquireWorkerLock(absl::StrCat(job_dir, "/", kWorkerLock), kOrphanPatience));
    DBN_ASSIGN_OR_RETURN(const FileDescriptor lock, MoveUp(std::move(held)));
    const std::string task_file = absl::StrCat(job_dir, "/", kTaskFile);
    DBN_RETURN_IF_ERROR(WriteFileAtomically(task_file, task.SerializeAsString()));
    DBN_ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
    DBN_ASSIGN_OR_RETURN(FileDescriptor write_end, MoveUp(std::move(pipe.write_end)));

    const SpawnSetup setup(write_end.get(), lock.get(), absl::StrCat(job_dir, "/", kWorkerLog));
    DBN_ASSIGN_OR_RETURN(const pid_t pid, Spawn(binary_, task_file, setup, EnvironmentWith(environment)));
    RecordWorkerPid(lock.get(), pid);
    write_end.Close();
    FileDescriptor pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (pid_fd.get() < 0) {
      const absl::Status error = SystemError("cannot watch the worker (pidfd_open, Linux 5.3)", errno);
      KillAndReap(pid);
      return error;
    }
    try {
      return std::make_unique<WorkerProcess>(pid, std::move(pid_fd), std::move(pipe.read_end), std::move(callbacks));
    } catch (const std::system_error& error) {
      KillAndReap(pid);
      return SystemError("cannot start a thread for the worker", error.code().value());
    }
  }

 private:
  const std::string binary_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerLauncher>> MakeProcessLauncher(const std::string& binary) {
  if (access(binary.c_str(), X_OK) != 0) {
    const std::string message = absl::StrCat("cannot execute the worker ", binary, ": ", std::strerror(errno),
                                             "; install deepbindnet-worker beside deepbindnet-server");
    return WithReason(absl::FailedPreconditionError(message), "WORKER_NOT_FOUND", {{"worker", binary}});
  }
  return std::unique_ptr<WorkerLauncher>(std::make_unique<ProcessLauncher>(binary));
}

}  // namespace deepbindnet
