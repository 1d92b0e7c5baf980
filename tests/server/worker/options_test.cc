#include "server/worker/options.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

v1::TrainingOptions Parse(std::vector<std::string> arguments) {
  CLI::App app;
  v1::TrainingOptions options;
  AddTrainingOptions(&app, &options);
  std::reverse(arguments.begin(), arguments.end());  // As CLI11 wants them.
  app.parse(arguments);
  return options;
}

TEST(AddTrainingOptionsTest, EveryFieldHasAnOptionInBothSpellings) {
  CLI::App app;
  v1::TrainingOptions options;
  AddTrainingOptions(&app, &options);
  const auto* const descriptor = v1::TrainingOptions::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const std::string name = descriptor->field(i)->name();
    std::string dashes = name;
    std::replace(dashes.begin(), dashes.end(), '_', '-');
    ASSERT_NE(app.get_option_no_throw("--" + name), nullptr) << name;
    EXPECT_EQ(app.get_option_no_throw("--" + name), app.get_option_no_throw("--" + dashes)) << name;
    EXPECT_THAT(app.get_option("--" + name)->get_description(), HasSubstr("Default")) << name;
  }
}

TEST(AddTrainingOptionsTest, SetsOnlyWhatIsGiven) {
  const v1::TrainingOptions options = Parse({"--hidden-dim", "32", "--lr", "1e-3", "--loss", "log_cosh"});
  EXPECT_EQ(options.hidden_dim(), 32u);
  EXPECT_EQ(options.lr(), 1e-3);
  EXPECT_EQ(options.loss(), v1::LOG_COSH);
  EXPECT_FALSE(options.has_feature_dim());
  EXPECT_FALSE(options.has_mixed_precision());
  EXPECT_EQ(options.model_type(), v1::MODEL_TYPE_UNSPECIFIED);
}

TEST(AddTrainingOptionsTest, TruthValueMayStandAloneOrCarryAValue) {
  EXPECT_TRUE(Parse({"--mixed_precision"}).mixed_precision());
  EXPECT_TRUE(Parse({"--mixed-precision=true"}).mixed_precision());
  EXPECT_TRUE(Parse({"--mixed_precision", "--seed", "1"}).mixed_precision());
  const v1::TrainingOptions off = Parse({"--mixed_precision=false"});
  EXPECT_TRUE(off.has_mixed_precision());
  EXPECT_FALSE(off.mixed_precision());
  EXPECT_FALSE(Parse({"--mixed_precision", "false"}).mixed_precision());
}

TEST(AddTrainingOptionsTest, NegativeNumbersAreValuesNotOptions) {
  EXPECT_EQ(Parse({"--gate_initial_bias", "-2.5"}).gate_initial_bias(), -2.5);
}

TEST(AddTrainingOptionsTest, UnreadableValuesNameTheOption) {
  const auto message = [](const std::vector<std::string>& arguments) -> std::string {
    try {
      Parse(arguments);
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message({"--lr", "nan"}), HasSubstr("--lr: nan is not a number"));
  EXPECT_THAT(message({"--seed", "-1"}), HasSubstr("--seed: -1 is not a whole number"));
  EXPECT_THAT(message({"--hidden_dim", "99999999999"}), HasSubstr("--hidden_dim: 99999999999"));
  EXPECT_THAT(message({"--mixed_precision=maybe"}), HasSubstr("maybe is neither true nor false"));
  EXPECT_THAT(message({"--model_type", "model_type_unspecified"}), HasSubstr("is none of gated, standard"));
}

TEST(AddPrepareOptionsTest, ReadsEverySplitOption) {
  CLI::App app;
  v1::PrepareDatasetSpec spec;
  AddPrepareOptions(&app, &spec);
  app.parse(
      "--split-column fold --val_size 0.15 --seed 9 --affinity-column KIBA --affinity-unit KIBA --max_rejected 0");
  EXPECT_EQ(spec.split().split_column(), "fold");
  EXPECT_EQ(spec.split().val_size(), 0.15);
  EXPECT_EQ(spec.split().seed(), 9u);
  EXPECT_EQ(spec.affinity_column(), "KIBA");
  EXPECT_EQ(spec.affinity_unit(), "KIBA");
  EXPECT_TRUE(spec.has_max_rejected());
  EXPECT_FALSE(spec.split().has_test_size());
}

TEST(SpellingsTest, GivesTheWrittenOneFirst) {
  EXPECT_EQ(Spellings("hidden_dim"), "--hidden_dim,--hidden-dim");
  EXPECT_EQ(Spellings("split-column"), "--split-column,--split_column");
  EXPECT_EQ(Spellings("lr"), "--lr");
}

}  // namespace
}  // namespace deepbindnet
