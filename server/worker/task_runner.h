// One job of the server, in this process.
#ifndef DEEPBINDNET_SERVER_WORKER_TASK_RUNNER_H_
#define DEEPBINDNET_SERVER_WORKER_TASK_RUNNER_H_

#include "core/base/status.h"
#include "deepbindnet/v1/types.pb.h"
#include "deepbindnet/v1/worker.pb.h"
#include "server/worker/event_writer.h"

namespace deepbindnet {

// Runs `task` while reporting its course (progress, epochs, log lines) to `events`; the caller reports the result or
// the error. Holds a lock on the directory that it writes. CANCELLED where a training was stopped by a signal;
// INVALID_ARGUMENT where the task is incomplete.
absl::StatusOr<v1::JobResult> RunTask(const v1::WorkerTask& task, EventWriter* events);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_TASK_RUNNER_H_
