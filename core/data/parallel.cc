#include "core/data/parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "core/base/cores.h"

namespace deepbindnet {

void ParallelFor(int64_t count, const std::function<void(int64_t)>& work,
                 const std::function<void(int64_t)>& progress) {
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  const auto take = [&next, &done, &work, count] {
    const int64_t i = next.fetch_add(1);
    if (i >= count) return false;
    work(i);
    done.fetch_add(1);
    return true;
  };
  const auto cores = static_cast<int64_t>(UsableCores());
  std::vector<std::thread> threads;
  absl::Cleanup join = [&next, &threads, count] {
    next = count;  // Where progress() threw, what nobody has begun is left.
    for (std::thread& thread : threads) thread.join();
  };
  try {
    for (int64_t i = 1; i < std::min(cores, count); ++i) {
      threads.emplace_back([&take] {
        while (take()) {
        }
      });
    }
  } catch (const std::system_error&) {  // The system has no further thread: those there are do the work.
  }
  while (take()) progress(done.load());
  std::move(join).Invoke();
  progress(done.load());
}

}  // namespace deepbindnet
