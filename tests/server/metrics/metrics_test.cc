#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string TextOf(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.collectable()->Collect());
}

TEST(MetricsTest, CallsAreCountedByMethodAndCode) {
  Metrics metrics("1.2.3");
  metrics.CallStarted("/deepbindnet.v1.DeepBindNet/Predict", "unary");
  metrics.CallStarted("/deepbindnet.v1.DeepBindNet/Predict", "unary");
  metrics.CallHandled("/deepbindnet.v1.DeepBindNet/Predict", "unary", "NOT_FOUND", absl::Milliseconds(20));
  const std::string text = TextOf(metrics);
  const std::string labels = R"(grpc_method="Predict",grpc_service="deepbindnet.v1.DeepBindNet",grpc_type="unary")";
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + labels + "} 2"));
  EXPECT_THAT(text, HasSubstr(R"(grpc_server_handled_total{grpc_code="NOT_FOUND",)" + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr(R"(grpc_server_handling_seconds_sum{grpc_code="NOT_FOUND",)" + labels + "} 0.02"));
  EXPECT_THAT(
      text, HasSubstr(R"(grpc_server_handling_seconds_bucket{grpc_code="NOT_FOUND",)" + labels + R"(,le="0.025"} 1)"));
}

TEST(MetricsTest, DeclaredMethodStandsAtZero) {
  Metrics metrics("1.2.3");
  EXPECT_THAT(TextOf(metrics), Not(HasSubstr("grpc_server_handled_total{")));
  metrics.DeclareMethod("/s.S/M", "unary");
  const std::string text = TextOf(metrics);
  for (const std::string code : {"OK", "CANCELLED", "INTERNAL", "DATA_LOSS", "UNAUTHENTICATED"}) {
    EXPECT_THAT(text, HasSubstr(R"(grpc_server_handled_total{grpc_code=")" + code +
                                R"(",grpc_method="M",grpc_service="s.S",grpc_type="unary"} 0)"));
  }
  EXPECT_THAT(text, HasSubstr(R"(grpc_server_handling_seconds_count{grpc_code="OK")"));
  EXPECT_THAT(text, Not(HasSubstr(R"(grpc_server_handling_seconds_count{grpc_code="INTERNAL")")));
}

TEST(MetricsTest, PredictionsAreCountedInPairs) {
  Metrics metrics("1.2.3");
  metrics.BatchComputed(300, absl::Milliseconds(250));
  metrics.BatchComputed(1, absl::Milliseconds(1));
  metrics.RequestQueued(absl::Milliseconds(2));
  const std::string text = TextOf(metrics);
  EXPECT_THAT(text, HasSubstr("deepbindnet_predict_pairs_total 301"));
  EXPECT_THAT(text, HasSubstr("deepbindnet_predict_batch_size_bucket{le=\"1\"} 1"));
  EXPECT_THAT(text, HasSubstr("deepbindnet_predict_batch_size_bucket{le=\"512\"} 2"));
  EXPECT_THAT(text, HasSubstr("deepbindnet_predict_compute_seconds_sum 0.251"));
  EXPECT_THAT(text, HasSubstr("deepbindnet_predict_queue_seconds_count 1"));
}

TEST(MetricsTest, BuildInfoNamesTheVersion) {
  EXPECT_THAT(TextOf(Metrics("1.2.3")), HasSubstr("deepbindnet_build_info{version=\"1.2.3\"} 1"));
}

}  // namespace
}  // namespace deepbindnet
