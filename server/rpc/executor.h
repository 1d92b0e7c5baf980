// Where handlers do what blocks: a few threads behind a bounded queue.
#ifndef DEEPBINDNET_SERVER_RPC_EXECUTOR_H_
#define DEEPBINDNET_SERVER_RPC_EXECUTOR_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/status.h"

namespace deepbindnet {

// Thread-safe. Tasks start in the order they came and must not throw.
class Executor {
 public:
  // `threads` >= 1; at most `max_queued` tasks wait.
  Executor(int threads, int max_queued);
  // Runs what waits, then joins.
  ~Executor();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // For a new call. RESOURCE_EXHAUSTED: the queue is full.
  absl::Status Schedule(std::function<void()> task);

  // For the next step of a stream that has been admitted, at most one at a time for each: never refused.
  void ScheduleStep(std::function<void()> task);

 private:
  void Loop();

  const size_t max_queued_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_EXECUTOR_H_
