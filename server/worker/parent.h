// A worker does not outlive the server that started it.
#ifndef DEEPBINDNET_SERVER_WORKER_PARENT_H_
#define DEEPBINDNET_SERVER_WORKER_PARENT_H_

#include "core/base/status.h"

namespace deepbindnet {

// From now on the kernel kills this process when its parent ends (Linux: when the parent's thread that started it
// ends). CANCELLED where the parent went before the call: nobody reads the pipe `events_fd` any more.
absl::Status DieWithParent(int events_fd);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_PARENT_H_
