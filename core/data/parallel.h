// Spreads independent pieces of work over the cores that this process may use.
#ifndef DEEPBINDNET_CORE_DATA_PARALLEL_H_
#define DEEPBINDNET_CORE_DATA_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace deepbindnet {

// Calls `work(i)` once for every i in [0, count), on the calling thread and on one further thread for each other core
// that UsableCores() counts (fewer where the system gives none), and returns when all are done. `work` must not throw
// and must be safe to call at once for different i. `progress(done)` is called on the calling thread alone; what it
// throws is passed on when the threads have ended, and then some i may be left out.
void ParallelFor(int64_t count, const std::function<void(int64_t)>& work, const std::function<void(int64_t)>& progress);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_PARALLEL_H_
