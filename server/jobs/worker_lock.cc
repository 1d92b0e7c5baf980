#include "server/jobs/worker_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr int kTries = 100;
constexpr auto kPause = std::chrono::milliseconds(20);

// The lock is held, so the process it names lives, or died this moment.
void KillHolder(int lock_fd) {
  std::array<char, 32> text{};
  const ssize_t size = pread(lock_fd, text.data(), text.size(), 0);
  int pid = 0;
  if (size > 0 && absl::SimpleAtoi(absl::string_view(text.data(), static_cast<size_t>(size)), &pid) && pid > 1) {
    kill(-pid, SIGKILL);
  }
}

}  // namespace

absl::StatusOr<FileDescriptor> AcquireWorkerLock(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return absl::InternalError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  for (int i = 0; i < kTries; ++i) {
    if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno != EWOULDBLOCK) {
      return absl::InternalError(absl::StrCat("cannot lock ", path, ": ", std::strerror(errno)));
    }
    if (i == 0) KillHolder(file.get());
    std::this_thread::sleep_for(kPause);
  }
  return absl::UnavailableError(absl::StrCat("an earlier worker still holds ", path));
}

void RecordWorkerPid(int lock_fd, pid_t pid) {
  const std::string text = absl::StrCat(pid);
  // Best effort: without it, an orphan is waited for but not killed.
  if (ftruncate(lock_fd, 0) != 0) return;
  if (pwrite(lock_fd, text.data(), text.size(), 0) < 0) return;
}

}  // namespace deepbindnet
