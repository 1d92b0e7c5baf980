#include "core/compute/kernels.h"

#include <new>

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

[[noreturn]] void ThrowOutOfMemory();
void ThrowOutOfMemory() { throw std::bad_alloc(); }

namespace {

struct Available {
  const Kernels* kernels[4] = {&baseline::kKernels};  // Null behind the last.
  const Kernels* best = &baseline::kKernels;
  void Add(const Kernels* better) {
    const Kernels** end = kernels;
    while (*end != nullptr) ++end;
    *end = best = better;
  }
};

const Available& OfThisMachine() {
  static const Available available = [] {
    Available found;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) found.Add(&avx2::kKernels);
    const bool wide = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    if (wide) found.Add(&avx512::kKernels);
#endif
    return found;
  }();
  return available;
}

}  // namespace

const Kernels* const* AllKernels() { return OfThisMachine().kernels; }

const Kernels& BestKernels() { return *OfThisMachine().best; }

}  // namespace deepbindnet
