#include "core/compute/kernels.h"

namespace deepbindnet {

namespace baseline {
extern const Kernels kKernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
#endif

const Kernels& BestKernels() {
#if defined(__x86_64__)
  static const Kernels& best = [&]() -> const Kernels& {
    const bool wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    if (wide) return avx512::kKernels;
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 ? avx2::kKernels
                                                                                     : baseline::kKernels;
  }();
  return best;
#else
  return baseline::kKernels;
#endif
}

}  // namespace deepbindnet
