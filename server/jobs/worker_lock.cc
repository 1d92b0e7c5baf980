#include "server/jobs/worker_lock.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"

namespace deepbindnet {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(20);

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
void KillHolder(const std::string& path) {
  const std::string text = ReadFile(path).value_or("");
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  int pid = 0;
  uint64_t ticks = 0;
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &pid) || !absl::SimpleAtoi(words[1], &ticks) || pid <= 1) return;
  const uint64_t now_ticks = StartTicks(pid);
  if (now_ticks == 0 || now_ticks == ticks) kill(-pid, SIGKILL);
}

}  // namespace

absl::StatusOr<FileDescriptor> AcquireWorkerLock(const std::string& path, absl::Duration patience) {
  DBN_ASSIGN_OR_RETURN(std::optional<FileDescriptor> lock, TryLockFile(path));
  if (!lock) KillHolder(path);
  for (const absl::Time deadline = absl::Now() + patience; !lock && absl::Now() < deadline;) {
    absl::SleepFor(kPause);
    DBN_ASSIGN_OR_RETURN(lock, TryLockFile(path));
  }
  if (!lock) return absl::UnavailableError(absl::StrCat("an earlier worker still holds ", path));
  // Until the new worker is noted here, nobody is: its predecessor's number may be a stranger's by now.
  if (ftruncate(lock->get(), 0) != 0) {
    return absl::InternalError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  return *std::move(lock);
}

void RecordWorkerPid(int lock_fd, pid_t pid) {
  const std::string text = absl::StrCat(pid, " ", StartTicks(pid));
  // Best effort: without it, an orphan is waited for but not killed.
  if (ftruncate(lock_fd, 0) != 0) return;
  if (pwrite(lock_fd, text.data(), text.size(), 0) < 0) return;
}

}  // namespace deepbindnet
