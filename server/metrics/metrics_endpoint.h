// The HTTP port that Prometheus scrapes.
#ifndef DEEPBINDNET_SERVER_METRICS_METRICS_ENDPOINT_H_
#define DEEPBINDNET_SERVER_METRICS_METRICS_ENDPOINT_H_

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// Serves /metrics until it is destroyed.
class MetricsEndpoint {
 public:
  // `address` is "IPV4:PORT" or "[IPV6]:PORT"; port 0 takes a free one. UNAVAILABLE where it cannot listen.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address, std::vector<std::shared_ptr<prometheus::Collectable>> collectables);

  int port() const { return exposer_->GetListeningPorts().front(); }

 private:
  MetricsEndpoint(std::unique_ptr<prometheus::Exposer> exposer,
                  std::vector<std::shared_ptr<prometheus::Collectable>> collectables);

  const std::vector<std::shared_ptr<prometheus::Collectable>> collectables_;  // The exposer holds them weakly.
  const std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_METRICS_ENDPOINT_H_
