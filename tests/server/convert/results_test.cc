#include <cmath>

#include "server/convert/convert.h"
#include "tests/server/convert/expect_invalid.h"

namespace deepbindnet {
namespace {

using ::testing::IsNan;

TEST(MetricsToProtoTest, KeepsUndefinedValues) {
  RegressionMetrics metrics;
  metrics.pairs = 3;
  metrics.rmse = 0.5;
  metrics.ci = std::nan("");
  const v1::Metrics proto = ToProto(metrics);
  EXPECT_EQ(proto.pairs(), 3u);
  EXPECT_EQ(proto.rmse(), 0.5);
  EXPECT_THAT(proto.ci(), IsNan());
}

TEST(EpochReportToProtoTest, CarriesTheTimeInMicroseconds) {
  EpochReport report;
  report.epoch = 2;
  report.epochs = 10;
  report.elapsed_seconds = 61.25;
  report.val.rmse = 0.7;
  report.is_best = true;
  const v1::EpochMetrics proto = ToProto(report);
  EXPECT_EQ(proto.epoch(), 2u);
  EXPECT_EQ(proto.epochs(), 10u);
  EXPECT_EQ(proto.elapsed().seconds(), 61);
  EXPECT_EQ(proto.elapsed().nanos(), 250000000);
  EXPECT_EQ(proto.val().rmse(), 0.7);
  EXPECT_TRUE(proto.is_best());
}

TEST(ComparisonToProtoTest, KeepsOrderTypesAndImprovements) {
  ComparisonInput input;
  input.dataset = "kiba";
  input.affinity_unit = "KIBA";
  input.truth = {1, 2, 3};
  input.models = {{"a", "standard", "", {1, 2, 4}}, {"b", "gated", "", {1, 2, 3.5}}, {"c", "", "", {1, 2, 5}}};
  const auto comparison = Compare(input);
  ASSERT_TRUE(comparison.ok());
  const v1::ComparisonResult proto = ToProto(input, *comparison);
  EXPECT_EQ(proto.dataset(), "kiba");
  EXPECT_EQ(proto.affinity_unit(), "KIBA");
  ASSERT_EQ(proto.models_size(), 3);
  EXPECT_EQ(proto.models(0).model(), "a");
  EXPECT_EQ(proto.models(0).model_type(), v1::STANDARD);
  EXPECT_EQ(proto.models(1).model_type(), v1::GATED);
  EXPECT_EQ(proto.models(2).model_type(), v1::MODEL_TYPE_UNSPECIFIED);
  EXPECT_NEAR(proto.models(1).rmse_improvement_percent(), 50.0, 1e-9);
  EXPECT_EQ(proto.models(1).metrics().pairs(), 3u);
}

TEST(StatusToProtoTest, GivesReasonAndMessage) {
  const v1::JobError proto = ToProto(WithReason(absl::InternalError("broken"), "NAN_LOSS"));
  EXPECT_EQ(proto.reason(), "NAN_LOSS");
  EXPECT_EQ(proto.message(), "broken");
  EXPECT_EQ(ToProto(absl::NotFoundError("x")).reason(), "NOT_FOUND");
}

}  // namespace
}  // namespace deepbindnet
