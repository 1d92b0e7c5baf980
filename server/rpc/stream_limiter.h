// How many streams each client may have open.
#ifndef DEEPBINDNET_SERVER_RPC_STREAM_LIMITER_H_
#define DEEPBINDNET_SERVER_RPC_STREAM_LIMITER_H_

#include <map>
#include <memory>
#include <string>

#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/rpc/call_record.h"

namespace deepbindnet {

// Thread-safe.
class StreamLimiter {
 public:
  explicit StreamLimiter(int max_per_client) : max_per_client_(max_per_client) {}

  // Counts one stream of the caller, or of its address where it has no name, until the handle goes, which may outlive
  // this object. RESOURCE_EXHAUSTED, reason TOO_MANY_STREAMS.
  absl::StatusOr<std::shared_ptr<void>> Take(const CallRecord& record);

 private:
  struct Table {
    Mutex mutex;
    std::map<std::string, int> open ABSL_GUARDED_BY(mutex);  // By client.
  };

  const int max_per_client_;
  const std::shared_ptr<Table> table_ = std::make_shared<Table>();
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_STREAM_LIMITER_H_
