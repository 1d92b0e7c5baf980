#include "server/rpc/executor.h"

#include <utility>

namespace deepbindnet {

Executor::Executor(int threads, int max_queued) : max_queued_(static_cast<size_t>(max_queued)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

Executor::~Executor() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status Executor::Schedule(std::function<void()> task) {
  MutexLock lock(&mutex_);
  if (queue_.size() >= max_queued_) {
    return WithReason(absl::ResourceExhaustedError("the server has too many calls to handle; try again later"),
                      "TOO_MANY_CALLS");
  }
  queue_.push_back(std::move(task));
  changed_.Signal();
  return absl::OkStatus();
}

void Executor::ScheduleStep(std::function<void()> task) {
  MutexLock lock(&mutex_);
  queue_.push_back(std::move(task));
  changed_.Signal();
}

void Executor::Loop() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      while (queue_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace deepbindnet
