#include "server/convert/convert.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsNan;

template <typename Message>
void ExpectInvalid(const Message& proto, const std::string& field, const std::string& message) {
  const absl::Status status = FromProto(proto).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(GetErrorMetadata(status)["field"], field);
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
}

TEST(TrainingOptionsFromProtoTest, EmptyMessageIsTheSmallPreset) {
  const auto options = FromProto(v1::TrainingOptions());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->model.hidden_dim, 64);
  EXPECT_EQ(options->model.feature_dim, 128);
  EXPECT_EQ(options->model.fusion_heads, 4);
  EXPECT_EQ(options->model.fusion_layers, 1);
  EXPECT_EQ(options->model.model_type, ModelType::kGated);
  EXPECT_EQ(options->batch_size, 256);
  EXPECT_EQ(options->num_epochs, 100);
  EXPECT_DOUBLE_EQ(options->lr, 2e-3);
  EXPECT_EQ(options->patience, 15);
  EXPECT_TRUE(options->mixed_precision);
  EXPECT_EQ(options->max_minutes, 0.0);
  EXPECT_EQ(options->seed, 42u);
}

TEST(TrainingOptionsFromProtoTest, FieldsOverrideThePreset) {
  v1::TrainingOptions proto;
  proto.set_preset("base");
  proto.set_hidden_dim(128);
  const auto options = FromProto(proto);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->model.hidden_dim, 128);
  EXPECT_EQ(options->model.feature_dim, 512);
  EXPECT_EQ(options->model.fusion_heads, 8);
  EXPECT_EQ(options->model.fusion_layers, 4);
}

TEST(TrainingOptionsFromProtoTest, EveryFieldArrives) {
  v1::TrainingOptions proto;
  proto.set_model_type(v1::STANDARD);
  proto.set_hidden_dim(24);
  proto.set_feature_dim(40);
  proto.set_fusion_heads(3);
  proto.set_fusion_layers(2);
  proto.set_dropout_rate(0.25);
  proto.set_gate_kind(v1::HEAD);
  proto.set_gate_initial_bias(-1.5);
  proto.set_batch_size(17);
  proto.set_num_epochs(9);
  proto.set_lr(0.003);
  proto.set_weight_decay(0.5);
  proto.set_patience(0);
  proto.set_mixed_precision(false);
  proto.set_loss(v1::HUBER);
  proto.set_max_minutes(1.5);
  proto.set_clip_norm(0.0);
  proto.set_warmup_fraction(0.125);
  proto.set_seed(7);
  proto.set_ema_decay(0.0);
  proto.set_gradient_accumulation(1);
  proto.set_keep_checkpoints(0);
  proto.set_num_processes(1);
  const auto options = FromProto(proto);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->model.model_type, ModelType::kStandard);
  EXPECT_EQ(options->model.gate_kind, GateKind::kHead);
  EXPECT_EQ(options->loss, Loss::kHuber);
  EXPECT_EQ(options->patience, 0);
  // The way back gives every field again, and the preset that stands behind them.
  proto.set_preset("small");
  EXPECT_EQ(ToProto(*options).SerializeAsString(), proto.SerializeAsString());
}

TEST(TrainingOptionsToProtoTest, EveryFieldIsSetButTheAbsentTimeLimit) {
  for (const char* const preset : {"small", "base"}) {
    const auto options = TrainingPreset(preset);
    ASSERT_TRUE(options.ok());
    const v1::TrainingOptions proto = ToProto(*options);
    EXPECT_EQ(proto.preset(), preset);
    const auto* const descriptor = v1::TrainingOptions::descriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* const field = descriptor->field(i);
      EXPECT_EQ(proto.GetReflection()->HasField(proto, field), field->name() != "max_minutes") << field->name();
    }
    const auto again = FromProto(proto);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(ToProto(*again).SerializeAsString(), proto.SerializeAsString());
  }
}

TEST(TrainingOptionsFromProtoTest, UnsupportedFieldsAreRefusedRatherThanIgnored) {
  v1::TrainingOptions proto;
  proto.set_gradient_accumulation(4);
  ExpectInvalid(proto, "gradient_accumulation", "not supported by this version");
  proto.Clear();
  proto.set_num_processes(2);
  ExpectInvalid(proto, "num_processes", "not supported by this version");
  proto.Clear();
  proto.set_keep_checkpoints(3);
  ExpectInvalid(proto, "keep_checkpoints", "not supported by this version");
}

TEST(TrainingOptionsFromProtoTest, RefusesValuesThatCoreCannotHold) {
  v1::TrainingOptions proto;
  proto.set_num_epochs(std::numeric_limits<uint32_t>::max());
  ExpectInvalid(proto, "num_epochs", "4294967295");
  proto.Clear();
  proto.set_lr(std::nan(""));
  ExpectInvalid(proto, "lr", "not a finite number");
  proto.Clear();
  proto.set_max_minutes(0.0);
  ExpectInvalid(proto, "max_minutes", "is not above 0");
  proto.Clear();
  proto.set_loss(static_cast<v1::Loss>(99));
  ExpectInvalid(proto, "loss", "99");
  proto.Clear();
  proto.set_preset("huge");
  ExpectInvalid(proto, "preset", "huge");
}

TEST(TrainingOptionsFromProtoTest, RefusesValuesOutOfRange) {
  v1::TrainingOptions proto;
  proto.set_hidden_dim(30);
  proto.set_fusion_heads(4);
  ExpectInvalid(proto, "hidden_dim", "30");
  proto.Clear();
  proto.set_dropout_rate(0.95);
  ExpectInvalid(proto, "dropout_rate", "0.95");
  proto.Clear();
  proto.set_batch_size(0);
  ExpectInvalid(proto, "batch_size", "0");
}

TEST(PrepareDatasetSpecFromProtoTest, DefaultsAreARandomSplit) {
  const auto options = FromProto(v1::PrepareDatasetSpec());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->split.method, SplitMethod::kRandom);
  EXPECT_DOUBLE_EQ(options->split.test_size, 0.2);
  EXPECT_DOUBLE_EQ(options->split.val_size, 0.1);
  EXPECT_EQ(options->split.seed, 42u);
  EXPECT_DOUBLE_EQ(options->max_rejected, 0.05);
}

TEST(PrepareDatasetSpecFromProtoTest, SplitColumnAloneMeansTheColumnMethod) {
  v1::PrepareDatasetSpec proto;
  proto.mutable_split()->set_split_column("fold");
  proto.set_affinity_column("KIBA");
  proto.set_affinity_unit("KIBA");
  proto.set_max_rejected(1.0);
  const auto options = FromProto(proto);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->split.method, SplitMethod::kColumn);
  EXPECT_EQ(options->split.split_column, "fold");
  EXPECT_EQ(options->affinity_column, "KIBA");
  EXPECT_EQ(options->affinity_unit, "KIBA");
  EXPECT_EQ(options->max_rejected, 1.0);
  EXPECT_EQ(ToProto(options->split).method(), v1::SplitOptions::COLUMN);
}

TEST(PrepareDatasetSpecFromProtoTest, RefusesContradictionsAndValuesOutOfRange) {
  v1::PrepareDatasetSpec proto;
  proto.mutable_split()->set_method(v1::SplitOptions::COLUMN);
  ExpectInvalid(proto, "split_column", "name the column");
  proto.mutable_split()->set_method(v1::SplitOptions::COLD_DRUG);
  proto.mutable_split()->set_split_column("fold");
  ExpectInvalid(proto, "split_column", "cold_drug");
  proto.Clear();
  proto.mutable_split()->set_test_size(1.5);
  ExpectInvalid(proto, "test_size", "1.5");
  proto.Clear();
  proto.set_max_rejected(std::nan(""));
  ExpectInvalid(proto, "max_rejected", "nan");
}

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

TEST(DatasetSummaryToProtoTest, JoinsManifestAndScaler) {
  DatasetManifest manifest;
  manifest.rows_read = 5;
  manifest.test_pairs = 1;
  manifest.pairs_dropped = 2;
  manifest.affinity_unit = "pKd";
  manifest.digest = "abc";
  const v1::DatasetSummary proto = ToProto(manifest, Scaler{6.5, 1.25});
  EXPECT_EQ(proto.rows_read(), 5u);
  EXPECT_EQ(proto.test_pairs(), 1u);
  EXPECT_EQ(proto.pairs_dropped(), 2u);
  EXPECT_EQ(proto.affinity_unit(), "pKd");
  EXPECT_EQ(proto.affinity_mean(), 6.5);
  EXPECT_EQ(proto.affinity_sd(), 1.25);
  EXPECT_EQ(proto.digest(), "abc");
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
