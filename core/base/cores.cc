#include "core/base/cores.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#include "core/base/cpu_quota.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace {

int CoresOfAffinity() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0) return CPU_COUNT(&cores);
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

int UsableCores() {
  const int cores = std::max(1, CoresOfAffinity());
  const int quota = QuotaCores(ReadFile("/proc/self/cgroup").value_or(""), "/sys/fs/cgroup");
  return quota > 0 ? std::min(cores, quota) : cores;
}

}  // namespace deepbindnet
