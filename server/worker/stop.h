// SIGTERM and SIGINT: a training finishes its step; everything else ends where it stands, as its files appear whole.
#ifndef DEEPBINDNET_SERVER_WORKER_STOP_H_
#define DEEPBINDNET_SERVER_WORKER_STOP_H_

#include <atomic>

namespace deepbindnet {

enum class OnStop {
  kExit,    // Exit with kStopped at once.
  kFinish,  // Set the flag; a second SIGINT ends the process.
};

// For the whole process; the last call decides.
void HandleStopSignals(OnStop on_stop);

// What the signals set under kFinish.
const std::atomic<bool>& StopRequested();

// Sets the flag without a signal, for a run that nobody listens to any more.
void RequestStop();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_STOP_H_
