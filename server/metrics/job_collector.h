// What the job engine knows, read at each scrape.
#ifndef DEEPBINDNET_SERVER_METRICS_JOB_COLLECTOR_H_
#define DEEPBINDNET_SERVER_METRICS_JOB_COLLECTOR_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "server/jobs/job_engine.h"
#include "server/store/store.h"

namespace deepbindnet {

// deepbindnet_jobs{kind,state} counts every job in the store; deepbindnet_training_* {job,model} exist while a training
// runs. Blocks on the store, which counts without reading jobs that have ended. Thread-safe. An error of the store
// leaves the families without series.
class JobCollector final : public prometheus::Collectable {
 public:
  // Both must outlive the collector.
  JobCollector(Store* store, JobEngine* engine) : store_(store), engine_(engine) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  Store* const store_;
  JobEngine* const engine_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_JOB_COLLECTOR_H_
