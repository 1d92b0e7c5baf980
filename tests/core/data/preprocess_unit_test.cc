// Units and directions of affinities, and the features of proteins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/core/data/preprocess_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(PreprocessTest, MixedUnitsAreRefusedAndLeaveWhatWasThere) {
  ASSERT_TRUE(Prepare(MakeGridCsv()).ok());
  const absl::Status status = Prepare("smiles,sequence,Kd,unit\nC,MK,5,nM\nCC,MK,5,uM\nCCC,MK,6,nM\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(status), "MIXED_UNITS");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("in.csv: the column 'unit' has several units: 'nM' in 2 rows (first line 2), 'uM' in 1 row "
                        "(first line 3); convert all affinities to one unit"));
  EXPECT_EQ(Load().manifest.affinity_unit, "pKd");
}

TEST_F(PreprocessTest, OneUnitIsTheAffinitysAndDecidesTheDirection) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const std::string csv = "smiles,sequence,Kd,Standard Units\nC,MK,5, nM\nCC,MK,5,nM \n";
  ASSERT_TRUE(Prepare(csv, options).ok());
  EXPECT_EQ(Load().manifest.affinity_unit, "nM");
  EXPECT_EQ(Load().manifest.affinity_direction, AffinityDirection::kLowerBindsTighter);
  options.affinity_unit = "score";
  options.affinity_direction = AffinityDirection::kHigherBindsTighter;
  ASSERT_TRUE(Prepare(csv, options).ok());
  EXPECT_EQ(Load().manifest.affinity_unit, "score");
  EXPECT_EQ(Load().manifest.affinity_direction, AffinityDirection::kHigherBindsTighter);
}

TEST_F(PreprocessTest, ADirectionThatNothingTellsIsUnknown) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  EXPECT_EQ(Prepare("smiles,sequence,y\nC,MK,5\n", options).value().affinity_direction, AffinityDirection::kUnknown);
}

TEST_F(PreprocessTest, UnitAndColumnMayBeGiven) {
  PreprocessOptions options;
  options.affinity_column = "b";
  options.affinity_unit = "ddG";
  options.split.test_size = 0.0;
  options.split.val_size = 0.0;
  EXPECT_EQ(Prepare("smiles,sequence,a,b\nC,MK,1,2\n", options).value().affinity_unit, "ddG");
  EXPECT_THAT(Load().train.affinity, ElementsAre(2.0));
}

TEST_F(PreprocessTest, FeaturesAreStoredOncePerProteinAndChangeTheDigest) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const std::string without = Prepare("smiles,sequence,pKd\nC,MK,5\nCC,MV,6\nCC,mk*,7\n", options).value().digest;
  const std::string header = "smiles,sequence,pKd,protein_features\n";
  const DatasetManifest manifest = Prepare(header + "C,MK,5,\nCC,MV,6,-1 2e-1\nCC,mk*,7,0.5 3\n", options).value();
  EXPECT_EQ(manifest.protein_feature_dim, 2);
  EXPECT_NE(manifest.digest, without);
  const ProcessedDataset dataset = Load();
  EXPECT_THAT(dataset.proteins[0].features, ElementsAre(0.5F, 3.0F));
  EXPECT_THAT(dataset.proteins[1].features, ElementsAre(-1.0F, 0.2F));
  EXPECT_NE(Prepare(header + "C,MK,5,\nCC,MV,6,-1 2e-1\nCC,mk*,7,0.5 4\n", options).value().digest, manifest.digest);
}

TEST_F(PreprocessTest, AProteinWithoutFeaturesIsNamed) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const std::string header = "smiles,sequence,pKd,protein_features\n";
  const absl::Status status = Prepare(header + "C,MK,5,1 2\nCC,MV,6,\n", options).status();
  EXPECT_EQ(GetReason(status), "MISSING_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("in.csv: protein 'MV' (2 residues) has no vector of features; give it one under its sequence"));
  // A row that is rejected needs none.
  EXPECT_TRUE(Prepare(header + "C,MK,5,1 2\nCC,MK,5,\nCC,M1,6,\n", options).ok());
}

TEST_F(PreprocessTest, WritingsOfOneSequenceWithDifferentFeaturesAreAnError) {
  const absl::Status status = Prepare("smiles,sequence,pKd,protein_features\nC,MK,5,1 2\nCC,mk,6,1 3\n").status();
  EXPECT_EQ(GetReason(status), "AMBIGUOUS_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(status.message()), HasSubstr("protein 'MK' (2 residues) has two different vectors"));
}

}  // namespace
}  // namespace deepbindnet
