// Disk, GPUs and the certificate: what runs out.
#ifndef DEEPBINDNET_SERVER_METRICS_RESOURCE_COLLECTOR_H_
#define DEEPBINDNET_SERVER_METRICS_RESOURCE_COLLECTOR_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/metrics/nvml.h"

namespace deepbindnet {

class ResourceCollector final : public prometheus::Collectable {
 public:
  // `certificate_expiry` is null without TLS, `nvml` without GPUs.
  ResourceCollector(std::string data_dir, std::function<absl::Time()> certificate_expiry, std::unique_ptr<Nvml> nvml)
      : data_dir_(std::move(data_dir)), certificate_expiry_(std::move(certificate_expiry)), nvml_(std::move(nvml)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string data_dir_;
  const std::function<absl::Time()> certificate_expiry_;
  const std::unique_ptr<Nvml> nvml_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_RESOURCE_COLLECTOR_H_
