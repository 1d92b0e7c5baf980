#include "client/field_flags.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

#include "client/cli.h"
#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet::client {
namespace {

TEST(TrainingFlagsTest, EveryFieldHasAFlagOfItsName) {
  std::set<std::string> fields;
  for (const FieldFlag& flag : TrainingFlags()) {
    fields.insert(flag.field);
    std::string underscored = flag.flag;
    std::replace(underscored.begin(), underscored.end(), '-', '_');
    EXPECT_EQ(underscored, flag.field);
  }
  const auto* descriptor = v1::TrainingOptions::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) EXPECT_EQ(fields.count(descriptor->field(i)->name()), 1u);
  EXPECT_EQ(fields.size(), static_cast<size_t>(descriptor->field_count()));
}

TEST(TrainingFlagsTest, HelpDoesNotPromiseWhatTheServerRefuses) {
  for (const FieldFlag& flag : TrainingFlags()) {
    const std::string name = flag.flag, help = flag.help;
    if (name == "gradient-accumulation" || name == "num-processes") {
      EXPECT_NE(help.find("this version: 1 only"), std::string::npos) << name;
    } else if (name == "keep-checkpoints") {
      EXPECT_NE(help.find("this version: 0 only"), std::string::npos) << name;
    }
  }
}

TEST(DatasetFlagsTest, EveryFieldExists) {
  for (const FieldFlag& flag : DatasetFlags()) {
    v1::PrepareDatasetSpec spec;
    const std::string text = std::string(flag.flag) == "split" ? "random" : "1";
    EXPECT_TRUE(SetField(&spec, flag.field, text).ok()) << flag.flag;
    EXPECT_NE(spec.ByteSizeLong(), 0u) << flag.flag;
  }
}

TEST(SetFieldTest, ReadsEachKindOfValue) {
  v1::TrainingOptions options;
  EXPECT_TRUE(SetField(&options, "hidden_dim", "96").ok());
  EXPECT_TRUE(SetField(&options, "lr", "1e-3").ok());
  EXPECT_TRUE(SetField(&options, "mixed_precision", "false").ok());
  EXPECT_TRUE(SetField(&options, "model_type", "standard").ok());
  EXPECT_TRUE(SetField(&options, "loss", "log_cosh").ok());
  EXPECT_TRUE(SetField(&options, "preset", "base").ok());
  EXPECT_EQ(options.hidden_dim(), 96u);
  EXPECT_EQ(options.lr(), 1e-3);
  EXPECT_TRUE(options.has_mixed_precision());
  EXPECT_EQ(options.model_type(), v1::STANDARD);
  EXPECT_EQ(options.loss(), v1::LOG_COSH);
  EXPECT_EQ(options.preset(), "base");
}

TEST(SetFieldTest, SaysWhatTheFieldTakes) {
  v1::TrainingOptions options;
  EXPECT_EQ(SetField(&options, "hidden_dim", "-1").message(), "'-1' is not a whole number of 0 or more");
  EXPECT_EQ(SetField(&options, "lr", "nan").message(), "'nan' is not a number");
  EXPECT_EQ(SetField(&options, "loss", "loss_unspecified").message(),
            "'loss_unspecified' is not one of mse|huber|log_cosh");
}

TEST(NormalizeOptionNamesTest, ChangesNamesAndLeavesValues) {
  EXPECT_EQ(NormalizeOptionNames({"train", "--hidden_dim=6_4", "--split_column", "my_fold", "-x_y"}),
            (std::vector<std::string>{"train", "--hidden-dim=6_4", "--split-column", "my_fold", "-x_y"}));
  EXPECT_EQ(NormalizeOptionNames({"--", "--a_b"}), (std::vector<std::string>{"--", "--a_b"}));
}

}  // namespace
}  // namespace deepbindnet::client
