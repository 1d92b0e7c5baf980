#include "proto/flags/field_flags.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "deepbindnet/v1/types.pb.h"
#include "proto/flags/option_names.h"

namespace deepbindnet {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// Throws CLI::ParseError.
void ParseInto(const std::vector<FieldFlag>& flags, const std::vector<std::string>& arguments,
               google::protobuf::Message* message) {
  CLI::App app;
  AddFieldFlags(flags, "Options", message, &app);
  const std::vector<std::string> names = NormalizeOptionNames(arguments);
  app.parse(std::vector<std::string>(names.rbegin(), names.rend()));  // As CLI11 wants them.
}

v1::TrainingOptions Parse(const std::vector<std::string>& arguments) {
  v1::TrainingOptions options;
  ParseInto(TrainingFlags(), arguments, &options);
  return options;
}

TEST(TrainingFlagsTest, EveryFieldHasAFlagOfItsNameWithItsDefault) {
  std::set<std::string> fields;
  for (const FieldFlag& flag : TrainingFlags()) {
    fields.insert(flag.field);
    EXPECT_EQ(NormalizeOptionNames({absl::StrCat("--", flag.field)})[0], absl::StrCat("--", flag.flag));
    EXPECT_THAT(flag.help, EndsWith("]")) << flag.flag;
  }
  const auto* descriptor = v1::TrainingOptions::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) EXPECT_EQ(fields.count(descriptor->field(i)->name()), 1u);
  EXPECT_EQ(fields.size(), static_cast<size_t>(descriptor->field_count()));
}

TEST(DatasetFlagsTest, EveryFieldExists) {
  for (const FieldFlag& flag : DatasetFlags()) {
    v1::PrepareDatasetSpec spec;
    const std::string name = flag.flag;
    const std::string text = name == "split" ? "random" : name == "affinity-direction" ? "higher" : "1";
    EXPECT_TRUE(SetField(&spec, flag.field, text).ok()) << flag.flag;
    EXPECT_NE(spec.ByteSizeLong(), 0u) << flag.flag;
    EXPECT_THAT(flag.help, EndsWith("]")) << flag.flag;
  }
}

TEST(SetFieldTest, ReadsEachKindOfValue) {
  v1::TrainingOptions options;
  EXPECT_TRUE(SetField(&options, "hidden_dim", "96").ok());
  EXPECT_TRUE(SetField(&options, "seed", "18446744073709551615").ok());
  EXPECT_TRUE(SetField(&options, "lr", "1e-3").ok());
  EXPECT_TRUE(SetField(&options, "mixed_precision", "false").ok());
  EXPECT_TRUE(SetField(&options, "model_type", "standard").ok());
  EXPECT_TRUE(SetField(&options, "loss", "log_cosh").ok());
  EXPECT_TRUE(SetField(&options, "preset", "base").ok());
  EXPECT_EQ(options.hidden_dim(), 96u);
  EXPECT_EQ(options.seed(), 18446744073709551615u);
  EXPECT_EQ(options.lr(), 1e-3);
  EXPECT_TRUE(options.has_mixed_precision());
  EXPECT_FALSE(options.mixed_precision());
  EXPECT_EQ(options.model_type(), v1::STANDARD);
  EXPECT_EQ(options.loss(), v1::LOG_COSH);
  EXPECT_EQ(options.preset(), "base");
}

TEST(SetFieldTest, SaysWhatTheFieldTakes) {
  v1::TrainingOptions options;
  EXPECT_EQ(SetField(&options, "hidden_dim", "-1").message(), "'-1' is not a whole number of 0 or more");
  EXPECT_EQ(SetField(&options, "lr", "nan").message(), "'nan' is not a number");
  EXPECT_EQ(SetField(&options, "lr", "").message(), "'' is not a number");
  EXPECT_EQ(SetField(&options, "loss", "loss_unspecified").message(),
            "'loss_unspecified' is not one of mse|huber|log_cosh");
}

TEST(SetFieldTest, LeavesOutTheWordsInWhichAllValuesEnd) {
  v1::PrepareDatasetSpec spec;
  EXPECT_TRUE(SetField(&spec, "affinity_direction", "lower").ok());
  EXPECT_EQ(spec.affinity_direction(), v1::LOWER_BINDS_TIGHTER);
  EXPECT_TRUE(SetField(&spec, "affinity_direction", "HIGHER").ok());
  EXPECT_EQ(spec.affinity_direction(), v1::HIGHER_BINDS_TIGHTER);
  EXPECT_EQ(SetField(&spec, "affinity_direction", "up").message(), "'up' is not one of higher|lower");
}

TEST(AddFieldFlagsTest, SetsOnlyWhatIsGiven) {
  const v1::TrainingOptions options = Parse({"--hidden-dim", "32", "--lr", "1e-3", "--loss", "log_cosh"});
  EXPECT_EQ(options.hidden_dim(), 32u);
  EXPECT_EQ(options.lr(), 1e-3);
  EXPECT_EQ(options.loss(), v1::LOG_COSH);
  EXPECT_FALSE(options.has_feature_dim());
  EXPECT_FALSE(options.has_mixed_precision());
  EXPECT_EQ(options.model_type(), v1::MODEL_TYPE_UNSPECIFIED);
}

TEST(AddFieldFlagsTest, TruthValueMayStandAloneOrCarryAValue) {
  EXPECT_TRUE(Parse({"--mixed_precision"}).mixed_precision());
  EXPECT_TRUE(Parse({"--mixed-precision=true"}).mixed_precision());
  EXPECT_TRUE(Parse({"--mixed_precision", "--seed", "1"}).mixed_precision());
  const v1::TrainingOptions off = Parse({"--mixed_precision=false"});
  EXPECT_TRUE(off.has_mixed_precision());
  EXPECT_FALSE(off.mixed_precision());
  EXPECT_FALSE(Parse({"--mixed_precision", "false"}).mixed_precision());
}

TEST(AddFieldFlagsTest, NegativeNumbersAreValuesNotOptions) {
  EXPECT_EQ(Parse({"--gate_initial_bias", "-2.5"}).gate_initial_bias(), -2.5);
}

TEST(AddFieldFlagsTest, UnreadableValuesNameTheOption) {
  const auto message = [](const std::vector<std::string>& arguments) -> std::string {
    try {
      Parse(arguments);
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({"--lr", "nan"}), "--lr: 'nan' is not a number");
  EXPECT_EQ(message({"--seed", "-1"}), "--seed: '-1' is not a whole number of 0 or more");
  EXPECT_THAT(message({"--hidden_dim", "99999999999"}), HasSubstr("--hidden-dim: '99999999999' is not a whole number"));
  EXPECT_EQ(message({"--mixed_precision=maybe"}), "--mixed-precision: 'maybe' is not true or false");
  EXPECT_EQ(message({"--model_type", "model_type_unspecified"}),
            "--model-type: 'model_type_unspecified' is not one of gated|standard");
}

TEST(AddFieldFlagsTest, ReadsFieldsOfMessagesWithin) {
  v1::PrepareDatasetSpec spec;
  ParseInto(DatasetFlags(),
            {"--split-column", "fold", "--val_size", "0.15", "--seed", "9", "--affinity-column", "KIBA",
             "--affinity-unit", "KIBA", "--max_rejected", "0"},
            &spec);
  EXPECT_EQ(spec.split().split_column(), "fold");
  EXPECT_EQ(spec.split().val_size(), 0.15);
  EXPECT_EQ(spec.split().seed(), 9u);
  EXPECT_EQ(spec.affinity_column(), "KIBA");
  EXPECT_EQ(spec.affinity_unit(), "KIBA");
  EXPECT_TRUE(spec.has_max_rejected());
  EXPECT_FALSE(spec.split().has_test_size());
}

}  // namespace
}  // namespace deepbindnet
