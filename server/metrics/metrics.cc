#include "server/metrics/metrics.h"

#include <prometheus/gauge.h>

#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace deepbindnet {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using Buckets = prometheus::Histogram::BucketBoundaries;
using LabelMap = std::map<std::string, std::string>;

// From a cached prediction to a job watched for hours.
const Buckets& CallSeconds() {
  static const Buckets buckets = {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 600, 3600};
  return buckets;
}

const Buckets& PredictSeconds() {
  static const Buckets buckets = {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30};
  return buckets;
}

const Buckets& BatchPairs() {
  static const Buckets buckets = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
  return buckets;
}

// "/package.Service/Method" as labels.
LabelMap MethodLabels(absl::string_view method, absl::string_view type) {
  if (!method.empty() && method.front() == '/') method.remove_prefix(1);
  const size_t slash = method.find('/');
  const absl::string_view service = slash == absl::string_view::npos ? "" : method.substr(0, slash);
  const absl::string_view name = slash == absl::string_view::npos ? method : method.substr(slash + 1);
  return {{"grpc_type", std::string(type)}, {"grpc_service", std::string(service)}, {"grpc_method", std::string(name)}};
}

LabelMap WithCode(LabelMap labels, absl::string_view code) {
  labels["grpc_code"] = std::string(code);
  return labels;
}

}  // namespace

Metrics::Metrics(absl::string_view version)
    : registry_(std::make_shared<prometheus::Registry>()),
      started_(BuildCounter()
                   .Name("grpc_server_started_total")
                   .Help("Calls that the server has begun to handle.")
                   .Register(*registry_)),
      handled_(BuildCounter()
                   .Name("grpc_server_handled_total")
                   .Help("Calls that have ended, by the code of their status.")
                   .Register(*registry_)),
      handling_seconds_(BuildHistogram()
                            .Name("grpc_server_handling_seconds")
                            .Help("Time from the start of a call to its status.")
                            .Register(*registry_)),
      predict_pairs_(BuildCounter()
                         .Name("deepbindnet_predict_pairs_total")
                         .Help("Drug-target pairs that the models have computed.")
                         .Register(*registry_)
                         .Add({})),
      predict_batch_size_(BuildHistogram()
                              .Name("deepbindnet_predict_batch_size")
                              .Help("Pairs computed at once.")
                              .Register(*registry_)
                              .Add({}, BatchPairs())),
      predict_queue_seconds_(BuildHistogram()
                                 .Name("deepbindnet_predict_queue_seconds")
                                 .Help("Time that a prediction request waited before its first pair was computed.")
                                 .Register(*registry_)
                                 .Add({}, PredictSeconds())),
      predict_compute_seconds_(BuildHistogram()
                                   .Name("deepbindnet_predict_compute_seconds")
                                   .Help("Time that the model took for one batch.")
                                   .Register(*registry_)
                                   .Add({}, PredictSeconds())) {
  BuildGauge()
      .Name("deepbindnet_build_info")
      .Help("1, with the server's version as a label.")
      .Register(*registry_)
      .Add({{"version", std::string(version)}})
      .Set(1);
}

void Metrics::CallStarted(absl::string_view method, absl::string_view type) {
  started_.Add(MethodLabels(method, type)).Increment();
}

void Metrics::CallHandled(absl::string_view method, absl::string_view type, absl::string_view code,
                          absl::Duration time) {
  const LabelMap labels = WithCode(MethodLabels(method, type), code);
  handled_.Add(labels).Increment();
  handling_seconds_.Add(labels, CallSeconds()).Observe(absl::ToDoubleSeconds(time));
}

void Metrics::DeclareMethod(absl::string_view method, absl::string_view type) {
  const LabelMap labels = MethodLabels(method, type);
  started_.Add(labels);
  for (int code = 0; code <= static_cast<int>(absl::StatusCode::kUnauthenticated); ++code) {
    handled_.Add(WithCode(labels, absl::StatusCodeToString(static_cast<absl::StatusCode>(code))));
  }
  handling_seconds_.Add(WithCode(labels, "OK"), CallSeconds());
}

void Metrics::BatchComputed(int pairs, absl::Duration compute_time) {
  predict_pairs_.Increment(pairs);
  predict_batch_size_.Observe(pairs);
  predict_compute_seconds_.Observe(absl::ToDoubleSeconds(compute_time));
}

void Metrics::RequestQueued(absl::Duration queue_time) {
  predict_queue_seconds_.Observe(absl::ToDoubleSeconds(queue_time));
}

}  // namespace deepbindnet
