#include "server/rpc/stream_limiter.h"

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

// The name, or the address without the port, which every connection has another of.
std::string ClientOf(const CallRecord& record) {
  if (!record.caller.name.empty()) return absl::StrCat("name ", record.caller.name);
  return absl::StrCat("address ", record.peer.substr(0, record.peer.rfind(':')));
}

}  // namespace

absl::StatusOr<std::shared_ptr<void>> StreamLimiter::Take(const CallRecord& record) {
  const std::string client = ClientOf(record);
  {
    MutexLock lock(&table_->mutex);
    int& open = table_->open[client];
    if (open >= max_per_client_) {
      return WithReason(absl::ResourceExhaustedError(absl::StrCat("this client has ", open,
                                                                  " streams open, which is the limit; "
                                                                  "close some, or try again later")),
                        "TOO_MANY_STREAMS");
    }
    ++open;
  }
  return std::shared_ptr<void>(nullptr, [table = table_, client](void*) {
    MutexLock lock(&table->mutex);
    const auto found = table->open.find(client);
    if (--found->second == 0) table->open.erase(found);
  });
}

}  // namespace deepbindnet
