// Threads that compute side by side, instead of one computation that is spread over threads.
#ifndef DEEPBINDNET_CORE_COMPUTE_COMPUTE_POOL_H_
#define DEEPBINDNET_CORE_COMPUTE_COMPUTE_POOL_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace deepbindnet {

// A fixed number of threads, between which LibTorch's threads of the thread that makes the pool are divided: a pool as
// large as their number has one for each. They meet once a task instead of once an operator, which costs less than
// operators that wait for each other, above all where other programs want the same cores. Run() is to be called from
// one thread at a time.
class ComputePool {
 public:
  // 1 or more. A pool of one has no thread of its own. While a larger one is made, another thread that asks LibTorch
  // for its number of threads for the first time may be told that of a thread of the pool.
  explicit ComputePool(int threads);
  ~ComputePool();
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  int size() const { return size_; }

  // Calls task(0), ..., task(size() - 1) at once, each on its own thread, and returns when all have returned; task(0)
  // of a pool of one runs on the caller's. Throws what the first of them that threw has thrown. Settings that LibTorch
  // keeps for each thread (inference mode, autocast) are not those of the caller.
  void Run(const std::function<void(int)>& task) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work(int index, int compute_threads) ABSL_LOCKS_EXCLUDED(mutex_);
  void WaitUntilIdle() ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  const int size_;
  Mutex mutex_;
  CondVar changed_;
  const std::function<void(int)>* task_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int64_t rounds_ ABSL_GUARDED_BY(mutex_) = 0;  // Calls of Run().
  int busy_ ABSL_GUARDED_BY(mutex_) = 0;        // Threads that have not finished the round, or their start.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::exception_ptr> errors_ ABSL_GUARDED_BY(mutex_);  // By index, of the round.
  std::vector<std::thread> threads_;
};

// Calls task(0), ..., task(count - 1), each once, on up to `threads` threads side by side, in inference mode.
void RunSideBySide(size_t count, size_t threads, const std::function<void(size_t)>& task);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_COMPUTE_POOL_H_
