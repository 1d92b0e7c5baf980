#include "server/metrics/metrics_endpoint.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"

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
