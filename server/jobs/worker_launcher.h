// The seam between the job engine and the processes that do the work: the engine knows this, worker_process.h is the
// real one, tests have a fake.
#ifndef DEEPBINDNET_SERVER_JOBS_WORKER_LAUNCHER_H_
#define DEEPBINDNET_SERVER_JOBS_WORKER_LAUNCHER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

// How a worker ended.
struct WorkerExit {
  enum class How {
    kExited,      // value: the exit code.
    kSignalled,   // value: the signal.
    kUnknown,     // message: why.
    kNotStarted,  // message: why.
  };
  How how = How::kExited;
  int value = 0;
  std::string message;
};

struct WorkerCallbacks {
  // Called in the order of the events, never two at a time, from a thread of the worker's handle.
  std::function<void(v1::WorkerEvent)> on_event;
  // Called once, after the last event, when the process is gone and reaped.
  std::function<void(WorkerExit)> on_exit;
};

// One worker. Not to be destroyed from its own callbacks.
class WorkerHandle {
 public:
  // Kills a worker that still lives; returns after on_exit has.
  virtual ~WorkerHandle() = default;
  // Asks it to stop (exit code 75). A training saves the step that it is at.
  virtual void Terminate() = 0;
  virtual void Kill() = 0;
};

class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;
  // Starts a worker on `task`, with `job_dir` (made where missing) for its task file and log, and these variables
  // in place of this process's of the same names. Callbacks may come before this returns; none comes after an error.
  // Must be called from a thread that outlives the worker: the kernel takes the end of that thread for the parent's
  // death, which the worker does not survive.
  virtual absl::StatusOr<std::unique_ptr<WorkerHandle>> Launch(const v1::WorkerTask& task, const std::string& job_dir,
                                                               const std::map<std::string, std::string>& environment,
                                                               WorkerCallbacks callbacks) = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_WORKER_LAUNCHER_H_
