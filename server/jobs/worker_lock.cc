#include "server/jobs/worker_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace deepbindnet {
namespace {

constexpr int kTries = 100;
constexpr auto kPause = std::chrono::milliseconds(20);

// When a process began, in clock ticks since the machine did; 0 where there is none. With its number it is unique.
uint64_t StartTicks(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  // The name, field 2, may hold anything, blanks and brackets included.
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  constexpr size_t kStartTime = 22 - 2;
  const std::vector<absl::string_view> fields = absl::StrSplit(absl::string_view(line).substr(name_end + 1), ' ');
  uint64_t ticks = 0;
  return fields.size() > kStartTime && absl::SimpleAtoi(fields[kStartTime], &ticks) ? ticks : 0;
}

// The lock is held, so what it names lives, or died this moment. A number that another process has by now is spared:
// the group of a worker that has gone keeps its number from being given again.
void KillHolder(int lock_fd) {
  std::array<char, 64> text{};
  const ssize_t size = pread(lock_fd, text.data(), text.size(), 0);
  if (size <= 0) return;
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::string_view(text.data(), static_cast<size_t>(size)), ' ');
  int pid = 0;
  uint64_t ticks = 0;
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &pid) || !absl::SimpleAtoi(words[1], &ticks) || pid <= 1) return;
  const uint64_t now_ticks = StartTicks(pid);
  if (now_ticks == 0 || now_ticks == ticks) kill(-pid, SIGKILL);
}

}  // namespace

absl::StatusOr<FileDescriptor> AcquireWorkerLock(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return absl::InternalError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
  for (int i = 0; i < kTries; ++i) {
    if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
      // Until the new worker is noted here, nobody is: its predecessor's number may be a stranger's by now.
      if (ftruncate(file.get(), 0) != 0) {
        return absl::InternalError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
      }
      return file;
    }
    if (errno != EWOULDBLOCK) {
      return absl::InternalError(absl::StrCat("cannot lock ", path, ": ", std::strerror(errno)));
    }
    if (i == 0) KillHolder(file.get());
    std::this_thread::sleep_for(kPause);
  }
  return absl::UnavailableError(absl::StrCat("an earlier worker still holds ", path));
}

void RecordWorkerPid(int lock_fd, pid_t pid) {
  const std::string text = absl::StrCat(pid, " ", StartTicks(pid));
  // Best effort: without it, an orphan is waited for but not killed.
  if (ftruncate(lock_fd, 0) != 0) return;
  if (pwrite(lock_fd, text.data(), text.size(), 0) < 0) return;
}

}  // namespace deepbindnet
