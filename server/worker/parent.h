// A worker does not outlive the server that started it.
#ifndef DEEPBINDNET_SERVER_WORKER_PARENT_H_
#define DEEPBINDNET_SERVER_WORKER_PARENT_H_

#include <sys/types.h>

#include "core/base/status.h"

namespace deepbindnet {

// From now on the kernel kills this process when its parent ends (Linux: when the parent's thread that started it
// ends). CANCELLED where the parent went before the call: nobody reads the pipe `events_fd` any more.
absl::Status DieWithParent(int events_fd);

// The same of a process without such a pipe: CANCELLED where process `parent` went before the call.
absl::Status DieWithProcess(pid_t parent);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_PARENT_H_
