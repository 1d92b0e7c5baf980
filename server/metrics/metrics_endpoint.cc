#include "server/metrics/metrics_endpoint.h"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

// civetweb gives its threads 100 KiB, a constant of its build. The thread-local variables of LibTorch's libraries alone
// take more, and then pthread_create fails; and what collects on these threads (SQLite, Protobuf) wants a real stack.
// So this program's own definition goes before the C library's and raises what is asked for.
extern "C" __attribute__((visibility("default"))) int pthread_attr_setstacksize(pthread_attr_t* attributes,
                                                                                size_t bytes) {
  using SetStackSize = int (*)(pthread_attr_t*, size_t);
  static const auto next = reinterpret_cast<SetStackSize>(dlsym(RTLD_NEXT, "pthread_attr_setstacksize"));
  constexpr size_t kLeastBytes = 1 << 20;
  return next(attributes, std::max(bytes, kLeastBytes));
}

namespace deepbindnet {

MetricsEndpoint::MetricsEndpoint(std::unique_ptr<prometheus::Exposer> exposer,
                                 std::vector<std::shared_ptr<prometheus::Collectable>> collectables)
    : collectables_(std::move(collectables)), exposer_(std::move(exposer)) {
  for (const auto& collectable : collectables_) exposer_->RegisterCollectable(collectable);
}

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address, std::vector<std::shared_ptr<prometheus::Collectable>> collectables) {
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(address);
    if (!exposer->GetListeningPorts().empty()) {
      return std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint(std::move(exposer), std::move(collectables)));
    }
  } catch (const std::exception&) {
    // Its message ("null context when constructing CivetServer") says nothing; the caller finds out why.
  }
  return WithReason(absl::UnavailableError(absl::StrCat("cannot listen on ", address, " for metrics")), "CANNOT_LISTEN",
                    {{"address", address}});
}

}  // namespace deepbindnet
