#include "core/compute/threads.h"

#include <ATen/Parallel.h>

#include <cstdlib>

#include "core/base/cores.h"

namespace deepbindnet {

int DefaultComputeThreads() {
  const char* const wanted = std::getenv("OMP_NUM_THREADS");
  const int threads = wanted != nullptr ? std::atoi(wanted) : 0;
  return threads > 0 ? threads : UsableCores();
}

void SetComputeThreads(int threads) { at::set_num_threads(threads > 0 ? threads : DefaultComputeThreads()); }

}  // namespace deepbindnet
