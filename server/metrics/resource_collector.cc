#include "server/metrics/resource_collector.h"

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "server/metrics/gauge_family.h"

namespace deepbindnet {

std::vector<prometheus::MetricFamily> ResourceCollector::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  families.push_back(MakeFamily("deepbindnet_disk_free_bytes", "Free space where the data directory is."));
  AddSeries(&families.back(), static_cast<double>(FreeBytes(data_dir_)), {});
  if (certificate_expiry_ != nullptr) {
    families.push_back(MakeFamily("deepbindnet_tls_certificate_expiry_timestamp_seconds",
                                  "When the certificate that new connections get ends."));
    AddSeries(&families.back(), static_cast<double>(absl::ToUnixSeconds(certificate_expiry_())), {});
  }
  if (nvml_ == nullptr) return families;
  prometheus::MetricFamily used = MakeFamily("deepbindnet_gpu_memory_used_bytes", "Memory of a GPU that is in use.");
  prometheus::MetricFamily total = MakeFamily("deepbindnet_gpu_memory_total_bytes", "Memory of a GPU.");
  prometheus::MetricFamily load =
      MakeFamily("deepbindnet_gpu_utilization_ratio", "Share of the last moments in which a GPU computed, 0 to 1.");
  for (const GpuReading& reading : nvml_->Read()) {
    const std::vector<prometheus::ClientMetric::Label> labels = {{"gpu", absl::StrCat(reading.index)}};
    AddSeries(&used, static_cast<double>(reading.memory_used_bytes), labels);
    AddSeries(&total, static_cast<double>(reading.memory_total_bytes), labels);
    AddSeries(&load, reading.utilization, labels);
  }
  families.insert(families.end(), {std::move(used), std::move(total), std::move(load)});
  return families;
}

}  // namespace deepbindnet
