#include <cmath>

#include "server/convert/convert.h"
#include "tests/server/convert/expect_invalid.h"

namespace deepbindnet {
namespace {

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
  proto.Clear();
  proto.set_affinity_direction(static_cast<v1::AffinityDirection>(7));
  ExpectInvalid(proto, "affinity_direction", "7");
}

TEST(PrepareDatasetSpecFromProtoTest, EveryDirectionIsTaken) {
  v1::PrepareDatasetSpec proto;
  EXPECT_EQ(FromProto(proto)->affinity_direction, AffinityDirection::kUnknown);
  proto.set_affinity_direction(v1::HIGHER_BINDS_TIGHTER);
  EXPECT_EQ(FromProto(proto)->affinity_direction, AffinityDirection::kHigherBindsTighter);
  proto.set_affinity_direction(v1::LOWER_BINDS_TIGHTER);
  EXPECT_EQ(FromProto(proto)->affinity_direction, AffinityDirection::kLowerBindsTighter);
}

TEST(DatasetSummaryToProtoTest, AnUnknownDirectionIsUnset) {
  DatasetManifest manifest;
  EXPECT_FALSE(ToProto(manifest, Scaler()).has_affinity_direction());
  manifest.affinity_direction = AffinityDirection::kLowerBindsTighter;
  EXPECT_EQ(ToProto(manifest, Scaler()).affinity_direction(), v1::LOWER_BINDS_TIGHTER);
}

TEST(DatasetSummaryToProtoTest, JoinsManifestAndScaler) {
  DatasetManifest manifest;
  manifest.rows_read = 5;
  manifest.test_pairs = 1;
  manifest.pairs_dropped = 2;
  manifest.affinity_unit = "pKd";
  manifest.digest = "abc";
  manifest.protein_feature_dim = 1280;
  const v1::DatasetSummary proto = ToProto(manifest, Scaler{6.5, 1.25});
  EXPECT_EQ(proto.rows_read(), 5u);
  EXPECT_EQ(proto.test_pairs(), 1u);
  EXPECT_EQ(proto.pairs_dropped(), 2u);
  EXPECT_EQ(proto.affinity_unit(), "pKd");
  EXPECT_EQ(proto.affinity_mean(), 6.5);
  EXPECT_EQ(proto.affinity_sd(), 1.25);
  EXPECT_EQ(proto.digest(), "abc");
  EXPECT_EQ(proto.protein_feature_dim(), 1280u);
}

}  // namespace
}  // namespace deepbindnet
