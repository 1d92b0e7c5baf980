#include "server/worker/stop.h"

#include <signal.h>
#include <unistd.h>

#include "server/worker/console.h"

namespace deepbindnet {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

void Exit(int) { _exit(kStopped); }
void SetFlag(int) { stop_requested = true; }

}  // namespace

void HandleStopSignals(OnStop on_stop) {
  struct sigaction action = {};
  action.sa_handler = on_stop == OnStop::kExit ? Exit : SetFlag;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  // An impatient user's second Ctrl-C ends the process. SIGTERM may come twice from one stop: a service manager tells
  // the whole group, and the server its worker.
  if (on_stop == OnStop::kFinish) action.sa_flags |= static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

const std::atomic<bool>& StopRequested() { return stop_requested; }

void RequestStop() { stop_requested = true; }

}  // namespace deepbindnet
