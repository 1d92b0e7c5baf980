// Runs everything long: accepts jobs, makes them durable, gives them to worker processes as slots allow, journals what
// they report, puts them back in the queue after a crash, and deletes what they made.
#ifndef DEEPBINDNET_SERVER_JOBS_JOB_ENGINE_H_
#define DEEPBINDNET_SERVER_JOBS_JOB_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/jobs/job_state.h"
#include "server/store/store.h"

namespace deepbindnet {

struct JobEngineOptions {
  std::string data_dir;           // See server/store/data_layout.h.
  std::string worker_binary;      // Path of deepbindnet-worker.
  int slots = 1;                  // Jobs that share the CPU side by side, 1..64.
  int cpu_threads = 1;            // Threads that they share.
  std::vector<std::string> gpus;  // A slot each; as CUDA_VISIBLE_DEVICES names them.
  int max_queued = 1000;          // Jobs that may wait; one more is RESOURCE_EXHAUSTED.
  int max_jobs_per_user = 0;      // That have not ended; 0: any number.
  int max_running_per_user = 0;   // Further ones wait; 0: any number.
  // Of the data directory's disk: with less free, jobs are paused until twice as much is. 0: only when it is full.
  uint64_t min_free_bytes = 0;
  absl::Duration stop_grace = absl::Seconds(30);  // From SIGTERM to SIGKILL of a worker.
};

// What a caller asks for. The spec has been validated, and its options are complete: a model keeps them as they are.
struct JobSubmission {
  v1::JobSpec spec;
  std::string request_id;  // Empty: not idempotent.
  std::string submitter;   // May be empty; it is a user of its own then.
  int priority = 0;
  int max_restarts = 3;
  // PREPARE_DATASET: the upload, on the data directory's file system. When Submit succeeds it is the engine's, which
  // moves or removes it; else it stays where it is.
  std::string input_file;
  bool validate_only = false;  // Check everything and answer with the job as it would be, without id; store nothing.
};

// Called after something new stands in a job's journal, or its progress moved, from any thread; must not block, must
// not call the engine and must not destroy its own handle.
using JobListener = std::function<void()>;

// Thread-safe. Calls block on SQLite and on files, as long as the disk takes: not for a gRPC callback thread.
class JobEngine {
 public:
  // Puts jobs that a crash left running back in the queue and removes uploads that no job has taken over. Starts no
  // worker until StartScheduling(). `store` must outlive the engine. INVALID_ARGUMENT names an option out of range;
  // FAILED_PRECONDITION where worker_binary cannot be executed.
  static absl::StatusOr<std::unique_ptr<JobEngine>> Create(const JobEngineOptions& options, Store* store);
  virtual ~JobEngine() = default;

  // From now on jobs get workers. Call it once.
  virtual void StartScheduling() = 0;

  // Durable when it returns. A request_id seen before returns that job (ALREADY_EXISTS where the spec differs).
  // INVALID_ARGUMENT: it needs more slots than there are; NOT_FOUND: a data set or model that the spec names;
  // ALREADY_EXISTS: the name is taken by a data set, model or job that has not ended; RESOURCE_EXHAUSTED: the queue is
  // full, or the submitter has too many jobs; UNAVAILABLE: draining.
  virtual absl::StatusOr<v1::Job> Submit(const JobSubmission& submission) = 0;

  // `job` is an id or the name of what it makes (then the newest job of that name). NOT_FOUND.
  virtual absl::StatusOr<v1::Job> Get(const std::string& job) = 0;
  virtual absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request) = 0;
  // What a job that is paused, resumed or cancelled becomes at once; it is that already where the call comes again.
  // Pause: PAUSED where no worker has it, else PAUSING. Resume: QUEUED. Cancel: CANCELLED where no worker has it, else
  // CANCELLING. FAILED_PRECONDITION from a state that does not lead there. UNAVAILABLE where its worker has ended and
  // that is not recorded yet, after waiting for it five seconds, or not recorded any more, because the server shuts
  // down.
  virtual absl::StatusOr<v1::Job> Pause(const std::string& job) = 0;
  virtual absl::StatusOr<v1::Job> Resume(const std::string& job) = 0;
  virtual absl::StatusOr<v1::Job> Cancel(const std::string& job) = 0;

  // Removes what is stored and its files. NOT_FOUND; FAILED_PRECONDITION, reason JOB_NOT_ENDED or IN_USE: the job has
  // not ended, or what it made is there; an unended job uses the data set or model, or an alias the model.
  virtual absl::Status Delete(const std::string& job) = 0;
  virtual absl::Status DeleteDataset(const std::string& name) = 0;
  virtual absl::Status DeleteModel(const std::string& name) = 0;

  // Journalled events of job `id` from `from_sequence` on, oldest first, at most `limit`.
  virtual absl::StatusOr<std::vector<v1::JobEvent>> ReadEvents(const std::string& id, uint64_t from_sequence,
                                                               int limit) = 0;

  // Calls `listener` on news of job `id` until the returned handle is destroyed, which waits for a call that is
  // running: hold no lock there that the listener takes. To miss nothing, subscribe first and read the journal then.
  virtual std::shared_ptr<void> Subscribe(const std::string& id, JobListener listener) = 0;

  struct Counts {
    int queued = 0;
    int running = 0;  // Those that are being paused or cancelled included.
    int paused = 0;
  };
  virtual Counts counts() = 0;

  // Every slot, and the job that has it.
  virtual std::vector<v1::DeviceSlot> slots() = 0;

  // Refuses new jobs, tells running workers to stop, puts their jobs back in the queue. Blocks until they have gone;
  // after `deadline` they are killed, and an end that the store does not take stays unrecorded: the next engine runs
  // that job again. Either way a training goes on from its latest checkpoint later.
  virtual void Drain(absl::Time deadline) = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_JOB_ENGINE_H_
