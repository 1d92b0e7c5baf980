// The job engine with its clock, names and workers given from outside.
#ifndef DEEPBINDNET_SERVER_JOBS_JOB_ENGINE_IMPL_H_
#define DEEPBINDNET_SERVER_JOBS_JOB_ENGINE_IMPL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "server/jobs/clock.h"
#include "server/jobs/device_slots.h"
#include "server/jobs/job_engine.h"
#include "server/jobs/listener_registry.h"
#include "server/jobs/run_outcome.h"
#include "server/jobs/worker_launcher.h"
#include "server/store/data_layout.h"

namespace deepbindnet {

// What the store or the disk could not take is tried again after this time.
inline constexpr absl::Duration kRetryAfter = absl::Seconds(1);

// How often the disk's free space is looked at while jobs run or wait for it.
inline constexpr absl::Duration kDiskCheckInterval = absl::Seconds(2);

struct JobEngineDependencies {
  Clock* clock = RealClock();            // Must outlive the engine.
  std::function<uint64_t()> free_bytes;  // Where the data directory is.
  std::unique_ptr<WorkerLauncher> launcher;
  std::function<std::string()> new_job_id;  // Thread-safe.
};

// One engine thread starts workers, stops them and settles what becomes of their jobs; it lives as long as the engine,
// as workers need (see WorkerLauncher). What workers report is journalled on the threads of their handles.
//
// Jobs that have not ended are held in memory and written through to the store; a job that is being settled (`closing`)
// is left alone by everyone else, so that files can be moved and removed without the lock.
class JobEngineImpl : public JobEngine {
 public:
  static absl::StatusOr<std::unique_ptr<JobEngineImpl>> Create(const JobEngineOptions& options, Store* store,
                                                               JobEngineDependencies dependencies);
  // Kills workers that still run; their jobs stand in the queue of the next engine on this store.
  ~JobEngineImpl() override;

  void StartScheduling() override;
  absl::StatusOr<v1::Job> Submit(const JobSubmission& submission) override;
  absl::StatusOr<v1::Job> Get(const std::string& job) override;
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request) override;
  absl::StatusOr<v1::Job> Pause(const std::string& job) override;
  absl::StatusOr<v1::Job> Resume(const std::string& job) override;
  absl::StatusOr<v1::Job> Cancel(const std::string& job) override;
  absl::Status Delete(const std::string& job) override;
  absl::Status DeleteDataset(const std::string& name) override;
  absl::Status DeleteModel(const std::string& name) override;
  absl::StatusOr<std::vector<v1::JobEvent>> ReadEvents(const std::string& id, uint64_t from_sequence,
                                                       int limit) override;
  std::shared_ptr<void> Subscribe(const std::string& id, JobListener listener) override;
  Counts counts() override;
  std::vector<v1::DeviceSlot> slots() override;
  void Drain(absl::Time deadline) override;

 private:
  // One worker, from the decision to start it until its job is settled.
  struct Run {
    explicit Run(std::vector<std::string> device_slots) : slots(std::move(device_slots)) {}

    const std::vector<std::string> slots;

    // Touched by the engine thread alone.
    std::unique_ptr<WorkerHandle> handle;
    std::optional<Outcome> outcome;  // Once it is decided, and what is kept of the output is kept.
    v1::Job settled;                 // Then: the job as it will be, but for its state.
    bool owns_output = true;         // False where the name turned out to be taken: its directory is another job's.

    // Under mutex_.
    RunReport report;
    bool ended = false;  // report is complete.
    bool stop_wanted = false;
    bool stop_sent = false;
    bool kill_sent = false;
    absl::Time kill_at = absl::InfiniteFuture();
    absl::Time settle_at = absl::InfinitePast();  // Once it has ended: of the next try to record that.
  };

  // A job that has not ended.
  struct LiveJob {
    // In the queue.
    bool GoesBefore(const LiveJob& other) const {
      return job.priority() != other.job.priority() ? job.priority() > other.job.priority() : order < other.order;
    }

    v1::Job job;
    uint64_t order = 0;  // Of acceptance.
    v1::Progress progress;
    std::vector<v1::JobEvent> unsaved;  // Happened, but the store could not take it yet.
    bool closing = false;
    // Null while no worker has it: then the job is waiting, or its end could not be recorded before the end of a drain.
    std::shared_ptr<Run> run;
    int failed_starts = 0;                         // In a row.
    int disk_pauses = 0;                           // Since its last epoch.
    absl::Time not_before = absl::InfinitePast();  // Of the next start.
    v1::JobError trouble;                          // Why its end cannot be recorded: what Job.pause shows meanwhile.
  };

  // What the engine thread does next, outside the lock.
  struct Action {
    enum class Kind { kStart, kTerminate, kKill, kSettle, kCheckDisk, kQuit };
    Kind kind = Kind::kQuit;
    std::string id;
    std::shared_ptr<Run> run;
    std::vector<std::string> slots;  // kStart.
  };

  JobEngineImpl(const JobEngineOptions& options, Store* store, JobEngineDependencies dependencies);

  // --- job_engine_impl.cc: what callers ask for.
  absl::Status Recover();
  // Those that a crash left between the end of their job and their removal. What no job tells of stays.
  void RemoveLeftoverOutputs();
  absl::StatusOr<v1::Job> Accept(const JobSubmission& submission, v1::Job job);
  absl::Status CheckAcceptable(const JobSubmission& submission) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckQueueHasRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<v1::Job>> FindRepeat(const JobSubmission& submission);
  // Adds what is live only: progress, slots, place in the queue, trouble.
  v1::Job WithLive(v1::Job job);
  std::map<std::string, int> QueuePositions() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddLive(const std::map<std::string, int>& positions, v1::Job* job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- engine_steer.cc: pausing, resuming, cancelling, deleting.
  // The job `id` once nobody settles it, on its way to `to`: an error where it cannot go there, or is just ending.
  absl::StatusOr<LiveJob*> FindSteerable(const std::string& id, v1::JobState to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Tells its worker to stop. The job's state says what for.
  absl::Status StopWorker(LiveJob* live, v1::JobState state, absl::string_view why, const v1::JobError* pause = nullptr)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A job that the server paused by itself is the user's to resume from now on.
  absl::Status StayPaused(LiveJob* live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<v1::Job> CancelWaiting(v1::Job job);
  // IN_USE where a job that has not ended works on the data set or model.
  absl::Status CheckUnused(absl::string_view thing, const std::string& name,
                           const std::function<bool(const v1::JobSpec&)>& uses) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- engine_loop.cc: the engine thread, and the threads of the workers' handles.
  void Loop();
  Action NextAction();
  std::optional<Action> FindAction() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Action> FindRunAction(const std::string& id, LiveJob* live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time NextDeadline() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Action> FindStart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The first in the queue of `pool` that may start; null where there is none.
  LiveJob* BestQueued(DeviceSlots::Pool pool, const std::map<std::string, int>& running)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int CountRuns() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // By slot, the job whose worker has it.
  std::map<std::string, std::string> TakenSlots() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null where a pause, a cancellation or a drain has come since the start was chosen.
  LiveJob* FindStartable(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Start(const std::string& id, const std::vector<std::string>& slots);
  void LaunchWorker(const std::string& id, const v1::WorkerTask& task, Run* run);
  void OnWorkerEvent(const std::string& id, v1::WorkerEvent event);
  // What belongs into the journal is unsaved then.
  void TakeWorkerEvent(LiveJob* live, v1::WorkerEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnWorkerExit(const std::string& id, WorkerExit exit);

  // --- engine_disk.cc: what a full disk means. On the engine thread.
  bool WatchesDisk() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Pauses what runs where too little is free; puts back in the queue what waits for space where enough is.
  void CheckDisk();

  // --- engine_settle.cc: the end of a run.
  // Decides, keeps files and records; what does not succeed is tried again later, until a drain's deadline.
  void Settle(const std::string& id, Run* run);
  // Fills in run->outcome and run->settled. On an error neither is, and the output must stay.
  absl::Status DecideOutcomeOf(const std::string& id, Run* run);
  // Makes it durable and closes the run, which frees the name of a job that has ended. On an error nothing has changed.
  absl::Status CommitOutcome(const std::string& id, Run* run);
  void SettleLater(const std::string& id, const absl::Status& why);
  absl::Status WriteOutcome(LiveJob* live, const Outcome& outcome, v1::Job* settled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteWithProduct(v1::Job* job, std::vector<v1::JobEvent> events);

  // --- Helpers.
  // Moves the job to `to` and writes it with its unsaved events; on an error nothing has changed. `pause`: Job.pause.
  absl::Status Transition(LiveJob* live, v1::JobState to, absl::string_view why, const v1::JobError* pause = nullptr)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  LiveJob* Find(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const JobEngineOptions options_;
  const DataLayout layout_;
  Store* const store_;
  Clock* const clock_;
  const std::unique_ptr<WorkerLauncher> launcher_;
  const std::function<std::string()> new_job_id_;
  const std::function<uint64_t()> free_bytes_;
  const DeviceSlots slots_;

  ListenerRegistry listeners_;

  Mutex mutex_;
  CondVar changed_;  // Anything below changed.
  std::map<std::string, LiveJob> live_ ABSL_GUARDED_BY(mutex_);
  uint64_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time drain_deadline_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool disk_is_full_ ABSL_GUARDED_BY(mutex_) = false;
  v1::JobError disk_trouble_ ABSL_GUARDED_BY(mutex_);  // What that means for jobs.
  absl::Time next_disk_check_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();

  std::string disk_error_;  // The engine thread's: what the log has told already.

  std::thread thread_;  // Started last, joined first.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_JOB_ENGINE_IMPL_H_
