// WatchJob: one caller that follows a job's journal.
#ifndef DEEPBINDNET_SERVER_RPC_JOB_WATCH_H_
#define DEEPBINDNET_SERVER_RPC_JOB_WATCH_H_

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "core/base/mutex.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "server/jobs/job_engine.h"
#include "server/rpc/executor.h"

namespace deepbindnet {

class JobWatch;

// The watches that are open, so that a server which shuts down can end them. Thread-safe.
class WatchSet {
 public:
  void Add(const std::shared_ptr<JobWatch>& watch);
  void Remove(const std::shared_ptr<JobWatch>& watch);

  // Ends every watch, and those added later, with UNAVAILABLE once it has sent what stands in the journal.
  void EndAll();

 private:
  Mutex mutex_;
  std::set<std::shared_ptr<JobWatch>> watches_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
};

// Sends the journal in pages, then waits for the engine's listener and reads on: what is sent is always read from the
// journal, so nothing is missed or repeated however fast events come or how slowly the caller reads. Between journal
// events it sends the job's progress where that has moved, with the sequence of the event sent last. Ends with OK when
// the job has ended and everything was sent.
//
// At any time at most one of these is under way: a task on the executor, or a write. `is_busy_` says so; whoever sets
// it goes on until it is idle again or finished.
class JobWatch final : public grpc::ServerWriteReactor<v1::JobEvent>, public std::enable_shared_from_this<JobWatch> {
 public:
  // All must outlive the call. `held` is let go when it ends. gRPC owns what is returned.
  static JobWatch* Start(JobEngine* engine, Executor* executor, WatchSet* watches, std::shared_ptr<void> held,
                         const v1::WatchJobRequest& request);

  // See WatchSet::EndAll.
  void End();

 private:
  enum class Step { kWait, kRetry, kWrite, kFinished };

  JobWatch(JobEngine* engine, Executor* executor, WatchSet* watches, std::shared_ptr<void> held,
           const v1::WatchJobRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Sets `flag` and starts a task where none is under way.
  void Wake(bool JobWatch::*flag);
  void ScheduleAdvance();

  // On the executor, while busy.
  void Open();
  void Advance();
  absl::StatusOr<Step> Fill();
  absl::StatusOr<Step> CheckEnd();
  bool BecomeIdle();
  void AddProgress(const v1::Job& job);
  void FinishWith(const absl::Status& status);
  absl::Status Interruption();

  JobEngine* const engine_;
  Executor* const executor_;
  WatchSet* const watches_;
  const std::shared_ptr<void> held_;
  const std::string job_;
  std::shared_ptr<JobWatch> self_;  // Until OnDone.

  // Touched by whoever is busy.
  std::string id_;
  uint64_t next_;                     // Sequence of the next event to read.
  std::deque<v1::JobEvent> to_send_;  // The front is being written.
  std::string last_progress_;         // Serialised.

  Mutex mutex_;
  std::shared_ptr<void> subscription_ ABSL_GUARDED_BY(mutex_);
  bool is_busy_ ABSL_GUARDED_BY(mutex_) = true;
  bool is_finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_news_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_JOB_WATCH_H_
