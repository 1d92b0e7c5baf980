// Builds the families of collectors that read their values at the time of the scrape.
#ifndef DEEPBINDNET_SERVER_METRICS_GAUGE_FAMILY_H_
#define DEEPBINDNET_SERVER_METRICS_GAUGE_FAMILY_H_

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace deepbindnet {

// A family without series yet.
prometheus::MetricFamily MakeFamily(std::string name, std::string help,
                                    prometheus::MetricType type = prometheus::MetricType::Gauge);

// Adds a series with `value` to a gauge or counter family.
void AddSeries(prometheus::MetricFamily* family, double value,
               const std::vector<prometheus::ClientMetric::Label>& labels = {});

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_GAUGE_FAMILY_H_
