// What the server counts itself. Names, labels and units are listed in the operator's documentation; every family has a
// help text, counters end in _total, and times are in seconds.
#ifndef DEEPBINDNET_SERVER_METRICS_METRICS_H_
#define DEEPBINDNET_SERVER_METRICS_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deepbindnet {

// Thread-safe. Labels are bounded: only registered methods are counted.
class Metrics {
 public:
  explicit Metrics(absl::string_view version);

  // `method` is the full name, "/package.Service/Method"; `type` is "unary", "client_stream", "server_stream" or
  // "bidi_stream"; `code` is a gRPC code's name, such as "OK" or "NOT_FOUND".
  void CallStarted(absl::string_view method, absl::string_view type);
  void CallHandled(absl::string_view method, absl::string_view type, absl::string_view code, absl::Duration time);

  // Makes the counters of a method exist at 0 with every code, so that the first failure is seen as an increase.
  void DeclareMethod(absl::string_view method, absl::string_view type);

  void BatchComputed(int pairs, absl::Duration compute_time);
  void RequestQueued(absl::Duration queue_time);

  std::shared_ptr<prometheus::Collectable> collectable() const { return registry_; }

 private:
  const std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& started_;
  prometheus::Family<prometheus::Counter>& handled_;
  prometheus::Family<prometheus::Histogram>& handling_seconds_;
  prometheus::Counter& predict_pairs_;
  prometheus::Histogram& predict_batch_size_;
  prometheus::Histogram& predict_queue_seconds_;
  prometheus::Histogram& predict_compute_seconds_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_METRICS_H_
