#include "server/worker/parent.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace deepbindnet {

namespace {

absl::Status AskForDeathSignal() {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot tie this process to its parent: ", std::strerror(errno)));
}

}  // namespace

absl::Status DieWithProcess(pid_t parent) {
  DBN_RETURN_IF_ERROR(AskForDeathSignal());
  return getppid() == parent ? absl::OkStatus() : absl::CancelledError("the parent process is gone");
}

absl::Status DieWithParent(int events_fd) {
  DBN_RETURN_IF_ERROR(AskForDeathSignal());
  // The parent's process id would not tell: in a container the server itself may be 1, and so may who adopts orphans.
  pollfd events = {events_fd, POLLOUT, 0};
  if (poll(&events, 1, 0) < 0) return absl::InternalError(absl::StrCat("poll: ", std::strerror(errno)));
  if ((events.revents & POLLNVAL) != 0) {
    return InvalidField("events-fd", absl::StrCat(events_fd), "is not an open file descriptor");
  }
  if ((events.revents & (POLLERR | POLLHUP)) != 0) return absl::CancelledError("the parent process is gone");
  return absl::OkStatus();
}

}  // namespace deepbindnet
