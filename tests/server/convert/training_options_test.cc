#include <cmath>
#include <limits>

#include "server/convert/convert.h"
#include "tests/server/convert/expect_invalid.h"

namespace deepbindnet {
namespace {

TEST(TrainingOptionsFromProtoTest, EmptyMessageIsTheSmallPreset) {
  const auto options = FromProto(v1::TrainingOptions());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->model.hidden_dim, 64);
  EXPECT_EQ(options->model.feature_dim, 256);
  EXPECT_EQ(options->model.fusion_heads, 4);
  EXPECT_EQ(options->model.fusion_layers, 1);
  EXPECT_EQ(options->model.model_type, ModelType::kGated);
  EXPECT_EQ(options->model.drug_layers, 2);
  EXPECT_EQ(options->model.residues_per_token, 32);
  EXPECT_EQ(options->model.max_sequence_length, 10000);
  EXPECT_EQ(options->batch_size, 512);
  EXPECT_EQ(options->num_epochs, 100);
  EXPECT_DOUBLE_EQ(options->lr, 3e-3);
  EXPECT_EQ(options->patience, 15);
  EXPECT_TRUE(options->mixed_precision);
  EXPECT_TRUE(options->model.similarity_prior);
  EXPECT_TRUE(options->evaluate_test);
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
  proto.set_members(6);
  proto.set_drug_layers(5);
  proto.set_residues_per_token(8);
  proto.set_max_sequence_length(700);
  proto.set_dropout_rate(0.25);
  proto.set_gate_kind(v1::HEAD);
  proto.set_gate_initial_bias(-1.5);
  proto.set_batch_size(17);
  proto.set_num_epochs(9);
  proto.set_lr(0.003);
  proto.set_weight_decay(0.5);
  proto.set_patience(0);
  proto.set_mixed_precision(false);
  proto.set_similarity_prior(false);
  proto.set_evaluate_test(false);
  proto.set_loss(v1::HUBER);
  proto.set_max_minutes(1.5);
  proto.set_clip_norm(0.0);
  proto.set_warmup_fraction(0.125);
  proto.set_seed(7);
  proto.set_ema_decay(0.0);
  proto.set_gradient_accumulation(3);
  proto.set_keep_checkpoints(7);
  proto.set_num_processes(2);
  proto.set_half_type(v1::FP16);
  proto.set_feature_dropout_rate(0.375);
  proto.set_sam_rho(0.25);
  proto.set_distribution_weight(2.5);
  const auto options = FromProto(proto);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->feature_dropout_rate, 0.375);
  EXPECT_EQ(options->sam_rho, 0.25);
  EXPECT_EQ(options->distribution_weight, 2.5);
  EXPECT_EQ(options->model.model_type, ModelType::kStandard);
  EXPECT_EQ(options->model.gate_kind, GateKind::kHead);
  EXPECT_EQ(options->model.gate_initial_bias, -1.5);
  EXPECT_FALSE(options->model.similarity_prior);
  EXPECT_FALSE(options->evaluate_test);
  EXPECT_EQ(options->model.members, 6);
  EXPECT_EQ(options->model.drug_layers, 5);
  EXPECT_EQ(options->model.residues_per_token, 8);
  EXPECT_EQ(options->model.max_sequence_length, 700);
  EXPECT_EQ(options->loss, Loss::kHuber);
  EXPECT_EQ(options->patience, 0);
  // The way back gives every field again, and the preset that stands behind them.
  const auto complete = Complete(proto);
  ASSERT_TRUE(complete.ok()) << complete.status();
  proto.set_preset("small");
  EXPECT_EQ(complete->SerializeAsString(), proto.SerializeAsString());
}

TEST(TrainingOptionsCompleteTest, EveryFieldIsSetButTheAbsentTimeLimit) {
  for (const char* const preset : {"small", "base"}) {
    v1::TrainingOptions proto;
    proto.set_preset(preset);
    const auto complete = Complete(proto);
    ASSERT_TRUE(complete.ok()) << complete.status();
    EXPECT_EQ(complete->preset(), preset);
    const auto* const descriptor = v1::TrainingOptions::descriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const auto* const field = descriptor->field(i);
      EXPECT_EQ(complete->GetReflection()->HasField(*complete, field), field->name() != "max_minutes") << field->name();
    }
    const auto again = Complete(*complete);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->SerializeAsString(), complete->SerializeAsString());
  }
}

TEST(TrainingOptionsCompleteTest, KeepsThePresetThatWasChosen) {
  v1::TrainingOptions proto;
  proto.set_preset("base");
  proto.set_hidden_dim(128);
  const auto complete = Complete(proto);
  ASSERT_TRUE(complete.ok()) << complete.status();
  EXPECT_EQ(complete->preset(), "base");
  EXPECT_EQ(complete->hidden_dim(), 128u);
  EXPECT_EQ(complete->feature_dim(), 512u);
}

TEST(TrainingOptionsCompleteTest, RefusesWhatFromProtoRefuses) {
  v1::TrainingOptions proto;
  proto.set_preset("huge");
  const absl::Status status = Complete(proto).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("preset: huge"));
}

TEST(TrainingOptionsTest, StepsAndProcessesHaveRanges) {
  v1::TrainingOptions proto;
  proto.set_gradient_accumulation(4097);
  ExpectInvalid(proto, "gradient_accumulation", "4097");
  proto.Clear();
  proto.set_num_processes(0);
  ExpectInvalid(proto, "num_processes", "0");
  proto.Clear();
  proto.set_keep_checkpoints(100001);
  ExpectInvalid(proto, "keep_checkpoints", "100001");
  proto.Clear();
  proto.set_half_type(static_cast<v1::HalfType>(9));
  ExpectInvalid(proto, "half_type", "9");
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
  proto.set_feature_dropout_rate(0.95);
  ExpectInvalid(proto, "feature_dropout_rate", "0.95");
  proto.Clear();
  proto.set_sam_rho(-0.1);
  ExpectInvalid(proto, "sam_rho", "-0.1");
  proto.Clear();
  proto.set_distribution_weight(-1);
  ExpectInvalid(proto, "distribution_weight", "-1");
  proto.Clear();
  proto.set_batch_size(0);
  ExpectInvalid(proto, "batch_size", "0");
  for (const uint32_t members : {0, 65}) {
    proto.Clear();
    proto.set_members(members);
    ExpectInvalid(proto, "members", "is not in [1, 64]");
  }
  for (const uint32_t layers : {0, 17}) {
    proto.Clear();
    proto.set_drug_layers(layers);
    ExpectInvalid(proto, "drug_layers", "is not in [1, 16]");
  }
  for (const uint32_t residues : {0, 4, 12, 64}) {
    proto.Clear();
    proto.set_residues_per_token(residues);
    ExpectInvalid(proto, "residues_per_token", "is not 8, 16 or 32");
  }
  for (const uint32_t residues : {0, 10001}) {
    proto.Clear();
    proto.set_max_sequence_length(residues);
    ExpectInvalid(proto, "max_sequence_length", "is not in [1, 10000]");
  }
}

}  // namespace
}  // namespace deepbindnet
