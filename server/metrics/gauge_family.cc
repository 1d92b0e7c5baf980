#include "server/metrics/gauge_family.h"

#include <utility>

namespace deepbindnet {

prometheus::MetricFamily MakeFamily(std::string name, std::string help, prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

void AddSeries(prometheus::MetricFamily* family, double value,
               const std::vector<prometheus::ClientMetric::Label>& labels) {
  prometheus::ClientMetric metric;
  metric.label = labels;
  metric.gauge.value = value;
  metric.counter.value = value;
  family->metric.push_back(std::move(metric));
}

}  // namespace deepbindnet
