#include "server/runtime/runtime.h"

#include <stdlib.h>
#include <unistd.h>

#include <array>

// Read by jemalloc when it is loaded. Without decay, page faults dominate (every large tensor is mapped anew); without
// an end to it, batches of varying shapes hold gigabytes. Even so a training step faults in much of its large tensors,
// up to a fifth of its time by pages of 4 KiB.
extern "C" {
__attribute__((visibility("default"), used)) const char* malloc_conf =
    "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:5000,thp:always";
}

namespace deepbindnet {

void PrepareProcess(int argc, char** argv) {
  if (argc < 1 || getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("OMP_WAIT_POLICY", "PASSIVE", 1) != 0) return;
  // The resolved path, because the kernel names the process after what it is given: "exe" helps nobody in ps.
  std::array<char, 4096> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length > 0) execv(path.data(), argv);
  execv("/proc/self/exe", argv);  // Replaced on disk since it was started.
}

}  // namespace deepbindnet
