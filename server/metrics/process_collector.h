// The process_* metrics that every Prometheus client library has, read from /proc at each scrape.
#ifndef DEEPBINDNET_SERVER_METRICS_PROCESS_COLLECTOR_H_
#define DEEPBINDNET_SERVER_METRICS_PROCESS_COLLECTOR_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace deepbindnet {

// CPU time, resident and virtual memory, open and allowed file descriptors, threads, start time. Thread-safe. A value
// that cannot be read is left out.
class ProcessCollector final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_PROCESS_COLLECTOR_H_
