// Which pairs are in which part of the data set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/chem/scaffold.h"
#include "tests/core/data/preprocess_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::set<int32_t> SetOf(const std::vector<int32_t>& values) { return {values.begin(), values.end()}; }

std::set<int32_t> Shared(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const std::set<int32_t> known = SetOf(a);
  std::set<int32_t> shared;
  for (const int32_t value : b) {
    if (known.count(value)) shared.insert(value);
  }
  return shared;
}

TEST_F(PreprocessTest, GivenTestRowsAreAllKept) {
  const DatasetManifest manifest =
      Prepare("smiles,sequence,pKd,fold\nC,MK,1,0\nC,MK,2,1\nC,MK,3,test\nC,MK,4,test\nCC,MK,5,0\nCC,MV,5,test\n",
              WithoutValidation(SplitMethod::kColumn))
          .value();
  EXPECT_EQ(manifest.test_pairs, 3);
  EXPECT_EQ(manifest.train_pairs + manifest.val_pairs, 2);
  EXPECT_EQ(manifest.duplicates_merged, 1);
  EXPECT_EQ(manifest.test_pairs_in_train, 2);
  EXPECT_EQ(manifest.test_drugs_in_train, 2);
  EXPECT_EQ(manifest.test_targets_in_train, 1);
}

TEST_F(PreprocessTest, RandomSplitMergesBeforeItSplits) {
  std::string csv = MakeGridCsv();
  csv += csv.substr(csv.find('\n') + 1);  // Every pair twice.
  const DatasetManifest manifest = Prepare(csv).value();
  EXPECT_EQ(manifest.duplicates_merged, 120);
  EXPECT_EQ(manifest.test_pairs, 24);
  EXPECT_EQ(manifest.test_pairs_in_train, 0);
}

TEST_F(PreprocessTest, ColdDrugHasNoTestDrugInTrain) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kColdDrug)).value();
  EXPECT_GT(manifest.test_pairs, 0);
  EXPECT_EQ(manifest.test_drugs_in_train, 0);
  EXPECT_EQ(manifest.test_targets_in_train, 10);
  const ProcessedDataset dataset = Load();
  EXPECT_THAT(Shared(dataset.train.drug, dataset.val.drug), ElementsAre());
}

TEST_F(PreprocessTest, ColdTargetHasNoTestTargetInTrain) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kColdTarget)).value();
  EXPECT_GT(manifest.test_pairs, 0);
  EXPECT_EQ(manifest.test_targets_in_train, 0);
  EXPECT_EQ(manifest.test_drugs_in_train, 12);
}

TEST_F(PreprocessTest, ColdBothHasNeitherAndCountsWhatItDrops) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kColdBoth)).value();
  EXPECT_EQ(manifest.test_drugs_in_train, 0);
  EXPECT_EQ(manifest.test_targets_in_train, 0);
  EXPECT_GT(manifest.pairs_dropped, 0);
  EXPECT_EQ(manifest.pairs_dropped + manifest.train_pairs + manifest.val_pairs + manifest.test_pairs, 120);
}

TEST_F(PreprocessTest, ScaffoldSplitHasNoTestScaffoldInTrain) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kScaffold)).value();
  EXPECT_GT(manifest.test_pairs, 0);
  const ProcessedDataset dataset = Load();
  const auto scaffolds = [&dataset](const PairTable& part) {
    std::set<std::string> found;
    for (const int32_t drug : part.drug) {
      const std::string scaffold =
          MurckoScaffold(dataset.molecules[static_cast<size_t>(drug)].canonical_smiles).value();
      if (!scaffold.empty()) found.insert(scaffold);
    }
    return found;
  };
  const std::set<std::string> train = scaffolds(dataset.train);
  for (const std::string& scaffold : scaffolds(dataset.test)) EXPECT_EQ(train.count(scaffold), 0u) << scaffold;
  for (const std::string& scaffold : scaffolds(dataset.val)) EXPECT_EQ(train.count(scaffold), 0u) << scaffold;
  EXPECT_THAT(Shared(dataset.train.drug, dataset.test.drug), ElementsAre());
}

TEST_F(PreprocessTest, TheManifestHasTheLabelsOfTheSplitColumn) {
  ASSERT_TRUE(Prepare("smiles,sequence,pKd,fold\nC,MK,1,a\nCC,MK,3,a\nCCC,MK,1,valid\nCCCC,MK,1,test\n",
                      With(SplitMethod::kColumn))
                  .ok());
  const DatasetManifest manifest = Load().manifest;
  EXPECT_THAT(manifest.split_labels, ElementsAre(Pair("a", 2), Pair("test", 1), Pair("valid", 1)));
  EXPECT_EQ(manifest.train_pairs, 2);
  EXPECT_EQ(manifest.val_pairs, 1);
  EXPECT_EQ(manifest.test_pairs, 1);
}

TEST_F(PreprocessTest, ASplitColumnWithoutATestRowIsAnErrorThatShowsItsLabels) {
  const absl::Status status =
      Prepare("smiles,sequence,pKd,fold\nC,M,1,0\nC,M,1,holdout\nC,M,1,0\n", With(SplitMethod::kColumn)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorMetadata(status)["field"], "split_column");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("in.csv: split_column: fold has no value 'test'"),
                    HasSubstr("'0' 2 rows (train), 'holdout' 1 row (train)"), HasSubstr("write test")));
  const std::string validation_alone = "smiles,sequence,pKd,fold\nC,M,1,val\nC,M,1,val\n";
  EXPECT_THAT(std::string(Prepare(validation_alone, With(SplitMethod::kColumn)).status().message()),
              HasSubstr("'val' 2 rows (validation)"));
}

TEST_F(PreprocessTest, APartWhoseRowsAreAllRejectedIsAnErrorThatShowsTheFirst) {
  std::string csv = "smiles,sequence,pKd,fold\n";
  for (int i = 1; i <= 20; ++i) absl::StrAppend(&csv, std::string(static_cast<size_t>(i), 'C'), ",M,1,train\n");
  const auto refused = [&](const std::string& rows) {
    const absl::Status status = Prepare(csv + rows, With(SplitMethod::kColumn)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(GetErrorMetadata(status)["field"], "split_column");
    return std::string(status.message());
  };
  EXPECT_THAT(refused("XX,M,1,test\nXX,M,2,test\nXX,M,3,test\n"),
              AllOf(HasSubstr("in.csv: split_column: fold marks test rows, but all of them are rejected; the first is "
                              "line 22: INVALID_SMILES: SMILES 'XX'"),
                    HasSubstr("; correct them")));
  EXPECT_THAT(refused("C,MV,1,test\nC,M1,1,val\n"),
              HasSubstr("fold marks validation rows, but all of them are rejected; the first is line 23: INVALID_SEQ"));
  EXPECT_TRUE(Prepare(csv + "C,MV,1,test\nXX,M,1,test\n", With(SplitMethod::kColumn)).ok());
}

TEST_F(PreprocessTest, AShareThatLeavesItsPartEmptyIsAnError) {
  const absl::Status status = Prepare("smiles,sequence,pKd\nC,MK,5\nCC,MK,5\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorMetadata(status)["field"], "test_size");
}

}  // namespace
}  // namespace deepbindnet
