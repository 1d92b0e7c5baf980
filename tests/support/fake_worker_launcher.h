// Workers that do what a test says, step by step.
#ifndef DEEPBINDNET_TESTS_SUPPORT_FAKE_WORKER_LAUNCHER_H_
#define DEEPBINDNET_TESTS_SUPPORT_FAKE_WORKER_LAUNCHER_H_

#include <signal.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/jobs/worker_launcher.h"

namespace deepbindnet {

// How long tests wait for what other threads do, before they fail.
inline std::chrono::steady_clock::time_point TestDeadline() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

// Thread-safe.
class FakeWorker {
 public:
  FakeWorker(v1::WorkerTask task, std::string job_dir, std::map<std::string, std::string> environment,
             WorkerCallbacks callbacks)
      : task_(std::move(task)),
        job_dir_(std::move(job_dir)),
        environment_(std::move(environment)),
        callbacks_(std::move(callbacks)) {}

  const v1::WorkerTask& task() const { return task_; }
  const std::map<std::string, std::string>& environment() const { return environment_; }
  const std::string& job_dir() const { return job_dir_; }

  // The engine has taken it when this returns.
  void Emit(v1::WorkerEvent event) { callbacks_.on_event(std::move(event)); }
  void EmitEpoch(uint32_t epoch, double rmse = 1.0, bool is_best = false) {
    v1::WorkerEvent event;
    event.mutable_epoch()->set_epoch(epoch);
    event.mutable_epoch()->mutable_val()->set_rmse(rmse);
    event.mutable_epoch()->set_is_best(is_best);
    Emit(std::move(event));
  }
  void EmitResult(const v1::JobResult& result) {
    v1::WorkerEvent event;
    *event.mutable_result() = result;
    Emit(std::move(event));
  }
  void EmitError(const std::string& reason, const std::string& message) {
    v1::WorkerEvent event;
    event.mutable_error()->set_reason(reason);
    event.mutable_error()->set_message(message);
    Emit(std::move(event));
  }

  void Exit(int code) { End({WorkerExit::How::kExited, code, ""}); }
  void Die(int signal) { End({WorkerExit::How::kSignalled, signal, ""}); }

  // What the engine did to it. The waits return false after TestDeadline().
  bool WaitForTerminate() { return WaitFor(&terminated_); }
  bool WaitForKill() { return WaitFor(&killed_); }
  bool killed() {
    MutexLock lock(&mutex_);
    return killed_;
  }

  void OnTerminate() { Set(&terminated_); }
  void OnKill() {
    Set(&killed_);
    Die(SIGKILL);
  }

 private:
  void Set(bool* flag) {
    MutexLock lock(&mutex_);
    *flag = true;
    changed_.SignalAll();
  }
  bool WaitFor(const bool* flag) {
    MutexLock lock(&mutex_);
    while (!*flag) {
      if (!changed_.WaitUntil(&mutex_, TestDeadline())) return *flag;
    }
    return true;
  }
  void End(WorkerExit exit) {
    {
      MutexLock lock(&mutex_);
      if (ended_) return;
      ended_ = true;
    }
    callbacks_.on_exit(std::move(exit));
  }

  const v1::WorkerTask task_;
  const std::string job_dir_;
  const std::map<std::string, std::string> environment_;
  const WorkerCallbacks callbacks_;

  Mutex mutex_;
  CondVar changed_;
  bool terminated_ ABSL_GUARDED_BY(mutex_) = false;
  bool killed_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

// What a test holds; it outlives the engine, which owns the launcher that MakeLauncher() gives it.
class FakeWorkers {
 public:
  std::unique_ptr<WorkerLauncher> MakeLauncher() { return std::make_unique<Launcher>(this); }

  // The n-th worker that was started, from 0; null after TestDeadline().
  std::shared_ptr<FakeWorker> WaitFor(size_t n) {
    MutexLock lock(&mutex_);
    while (started_.size() <= n) {
      if (!changed_.WaitUntil(&mutex_, TestDeadline()) && started_.size() <= n) return nullptr;
    }
    return started_[n];
  }
  size_t started() {
    MutexLock lock(&mutex_);
    return started_.size();
  }
  // The next `times` starts fail with `error`.
  void FailStarts(int times, absl::Status error) {
    MutexLock lock(&mutex_);
    failures_ = times;
    error_ = std::move(error);
  }

 private:
  class Handle : public WorkerHandle {
   public:
    explicit Handle(std::shared_ptr<FakeWorker> worker) : worker_(std::move(worker)) {}
    ~Handle() override { worker_->Die(SIGKILL); }
    void Terminate() override { worker_->OnTerminate(); }
    void Kill() override { worker_->OnKill(); }

   private:
    const std::shared_ptr<FakeWorker> worker_;
  };

  class Launcher : public WorkerLauncher {
   public:
    explicit Launcher(FakeWorkers* workers) : workers_(workers) {}
    absl::StatusOr<std::unique_ptr<WorkerHandle>> Launch(const v1::WorkerTask& task, const std::string& job_dir,
                                                         const std::map<std::string, std::string>& environment,
                                                         WorkerCallbacks callbacks) override {
      return workers_->Start(std::make_shared<FakeWorker>(task, job_dir, environment, std::move(callbacks)));
    }

   private:
    FakeWorkers* const workers_;
  };

  absl::StatusOr<std::unique_ptr<WorkerHandle>> Start(std::shared_ptr<FakeWorker> worker) {
    MutexLock lock(&mutex_);
    if (failures_ > 0) {
      --failures_;
      return error_;
    }
    started_.push_back(std::move(worker));
    changed_.SignalAll();
    return std::unique_ptr<WorkerHandle>(std::make_unique<Handle>(started_.back()));
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::shared_ptr<FakeWorker>> started_ ABSL_GUARDED_BY(mutex_);
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_FAKE_WORKER_LAUNCHER_H_
