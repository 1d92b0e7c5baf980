#include "core/compute/threads.h"

#include <ATen/Parallel.h>

#include <cstdlib>

#include "core/base/cores.h"

namespace deepbindnet {

void SetComputeThreads(int threads) {
  if (threads == 0) {
    const char* const wanted = std::getenv("OMP_NUM_THREADS");
    threads = wanted != nullptr ? std::atoi(wanted) : 0;
  }
  at::set_num_threads(threads > 0 ? threads : UsableCores());
}

}  // namespace deepbindnet
