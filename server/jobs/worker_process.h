// Workers as processes: `deepbindnet-worker run --task FILE --events-fd N`, see proto/deepbindnet/v1/worker.proto.
#ifndef DEEPBINDNET_SERVER_JOBS_WORKER_PROCESS_H_
#define DEEPBINDNET_SERVER_JOBS_WORKER_PROCESS_H_

#include <memory>
#include <string>

#include "core/base/status.h"
#include "server/jobs/worker_launcher.h"

namespace deepbindnet {

// Starts `binary` in a process group of its own, with its events on a pipe, its output appended to job_dir/worker.log,
// and no other file of ours open. job_dir/worker.lock is held as long as any process of the worker lives: a worker that
// a dead server left behind is killed before the job's next one starts. When a worker ends, what is left of its group
// is killed. FAILED_PRECONDITION, reason WORKER_NOT_FOUND, unless `binary` can be executed.
absl::StatusOr<std::unique_ptr<WorkerLauncher>> MakeProcessLauncher(const std::string& binary);

// File names within job_dir.
constexpr char kTaskFile[] = "task.pb";
constexpr char kWorkerLog[] = "worker.log";
constexpr char kWorkerLock[] = "worker.lock";

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_WORKER_PROCESS_H_
