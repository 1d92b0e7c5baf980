#include "server/worker/rank_processes.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file_descriptor.h"
#include "core/base/spawn_arguments.h"
#include "server/worker/console.h"

namespace deepbindnet {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kPoll = std::chrono::milliseconds(20);

absl::Status SystemError(absl::string_view what, int error) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(error)));
}

// A file without a name that holds `bytes`, at its start.
absl::StatusOr<FileDescriptor> MakeFile(const std::string& bytes) {
  FileDescriptor file(memfd_create("task", MFD_CLOEXEC));
  if (file.get() < 0) return SystemError("memfd_create", errno);
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t count = write(file.get(), bytes.data() + written, bytes.size() - written);
    if (count < 0) return SystemError("cannot write the task", errno);
    written += static_cast<size_t>(count);
  }
  if (lseek(file.get(), 0, SEEK_SET) < 0) return SystemError("lseek", errno);
  return file;
}

// Empty where it ended well.
std::string Describe(int rank, int status) {
  if (WIFSIGNALED(status)) {
    const char* const name = sigabbrev_np(WTERMSIG(status));
    return absl::StrCat("rank ", rank, " was killed by signal ", WTERMSIG(status),
                        name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
  }
  const int code = WEXITSTATUS(status);
  return code == kDone || code == kStopped ? "" : absl::StrCat("rank ", rank, " exited with code ", code);
}

}  // namespace

RankProcesses::~RankProcesses() {
  for (const pid_t child : children_) {
    if (child == 0) continue;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

absl::Status RankProcesses::Start(const v1::WorkerTask& task, int port, int threads) {
  for (int rank = 1; rank < world_size_; ++rank) DBN_RETURN_IF_ERROR(StartOne(task, rank, port, threads));
  return absl::OkStatus();
}

absl::Status RankProcesses::StartOne(const v1::WorkerTask& task, int rank, int port, int threads) {
  DBN_ASSIGN_OR_RETURN(const FileDescriptor input, MakeFile(task.SerializeAsString()));
  std::vector<std::string> environment = EnvironmentWith({{"RANK", absl::StrCat(rank)},
                                                          {"LOCAL_RANK", absl::StrCat(rank)},
                                                          {"WORLD_SIZE", absl::StrCat(world_size_)},
                                                          {"MASTER_ADDR", "127.0.0.1"},
                                                          {"MASTER_PORT", absl::StrCat(port)},
                                                          {"OMP_NUM_THREADS", absl::StrCat(threads)}});
  std::vector<std::string> arguments = {"deepbindnet-worker", "rank", "--parent", absl::StrCat(getpid())};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  pid_t child = 0;
  const int error = posix_spawn(&child, "/proc/self/exe", &actions, /*attributes=*/nullptr,
                                NullTerminated(&arguments).data(), NullTerminated(&environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return SystemError(absl::StrCat("cannot start rank ", rank), error);
  children_.push_back(child);
  return absl::OkStatus();
}

std::string RankProcesses::Finish(bool ended_well) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::vector<std::string> ends;
  for (size_t i = 0; i < children_.size(); ++i) {
    int status = 0;
    bool ended = waitpid(children_[i], &status, ended_well ? 0 : WNOHANG) != 0;
    while (!ended && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPoll);
      ended = waitpid(children_[i], &status, WNOHANG) != 0;
    }
    if (!ended) continue;  // The destructor kills it.
    children_[i] = 0;
    const std::string end = Describe(static_cast<int>(i) + 1, status);
    if (!end.empty()) ends.push_back(end);
  }
  return absl::StrJoin(ends, ", ");
}

}  // namespace deepbindnet
