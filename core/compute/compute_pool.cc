#include "core/compute/compute_pool.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>

namespace deepbindnet {

ComputePool::ComputePool(int threads) : size_(threads) {
  if (size_ == 1) return;
  const int shared = at::get_num_threads();
  {
    const MutexLock lock(&mutex_);
    busy_ = size_;
    errors_.resize(size_);
  }
  try {
    for (int i = 0; i < size_; ++i) {
      threads_.emplace_back([this, i, shared] { Work(i, std::max(1, shared / size_)); });
    }
  } catch (...) {  // The system has no further thread.
    Stop();
    throw;
  }
  WaitUntilIdle();
  at::set_num_threads(shared);  // Each thread has set it for itself, and for threads that have not computed yet.
}

ComputePool::~ComputePool() { Stop(); }

void ComputePool::Stop() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
}

void ComputePool::Run(const std::function<void(int)>& task) {
  if (size_ == 1) return task(0);
  {
    const MutexLock lock(&mutex_);
    task_ = &task;
    ++rounds_;
    busy_ = size_;
    std::fill(errors_.begin(), errors_.end(), nullptr);
  }
  changed_.SignalAll();
  WaitUntilIdle();
  const MutexLock lock(&mutex_);
  for (const std::exception_ptr& error : errors_) {
    if (error != nullptr) std::rethrow_exception(error);
  }
}

void ComputePool::WaitUntilIdle() {
  const MutexLock lock(&mutex_);
  while (busy_ > 0) changed_.Wait(&mutex_);
}

void ComputePool::Work(int index, int compute_threads) {
  at::get_num_threads();  // A thread's first question sets its number to the process's.
  at::set_num_threads(compute_threads);
  mutex_.Lock();
  for (int64_t round = 0;; ++round) {
    if (--busy_ == 0) changed_.SignalAll();
    while (!stopping_ && rounds_ == round) changed_.Wait(&mutex_);
    if (stopping_) break;
    const std::function<void(int)>& task = *task_;
    mutex_.Unlock();
    std::exception_ptr error;
    try {
      task(index);
    } catch (...) {
      error = std::current_exception();
    }
    mutex_.Lock();
    errors_[index] = error;
  }
  mutex_.Unlock();
}

void RunSideBySide(size_t count, size_t threads, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next{0};
  ComputePool(static_cast<int>(std::max<size_t>(1, std::min(threads, count)))).Run([&](int) {
    const c10::InferenceMode inference;
    for (size_t i = next++; i < count; i = next++) task(i);
  });
}

}  // namespace deepbindnet
