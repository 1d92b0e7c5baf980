#include "core/csv/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/core/csv/python_file.h"
#include "tests/core/csv/read_table.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

class TableTest : public ::testing::Test {
 protected:
  // `MK` by its sequence, `P2` by its id.
  std::string Features() const {
    return WriteWithPython(directory_, "f.pt",
                           "torch.save({'MK': torch.tensor([1.0, 0.5]), 'P2': torch.tensor([2.0, 3.0])}, path)");
  }
  std::string Folder(bool with_folds) const {
    directory_.Write("kiba/ligands_can.txt", R"({"D": "C"})");
    directory_.Write("kiba/proteins.txt", R"({"P1": "MK", "P2": "MV"})");
    directory_.Write("kiba/kiba_binding_affinity_v2.txt", "11 12\n");
    if (with_folds) {
      directory_.Write("kiba/folds/train_fold_setting1.txt", "[[0]]");
      directory_.Write("kiba/folds/test_fold_setting1.txt", "[1]");
    }
    return directory_ / "kiba";
  }

  const TempDir directory_;
};

TEST_F(TableTest, OpensACsvFileAsItIs) {
  ASSERT_OK_AND_ASSIGN(const auto rows, ReadFields(OpenTable(directory_.Write("x.csv", "a,b\n1,2\n"), "")));
  EXPECT_THAT(rows, ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2")));
  EXPECT_EQ(OpenTable(directory_ / "none.csv", "").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(TableTest, AFoldersFoldsAreItsSplit) {
  const std::string folder = Folder(/*with_folds=*/false);
  EXPECT_EQ(GivenSplitColumn(folder), "");
  EXPECT_EQ(GivenSplitColumn(Folder(/*with_folds=*/true)), "fold");
  EXPECT_EQ(GivenSplitColumn(directory_.Write("x.csv", "fold\n")), "");
  ASSERT_OK_AND_ASSIGN(const auto rows, ReadFields(OpenTable(folder, "")));
  EXPECT_EQ(rows.front().back(), "fold");
}

TEST_F(TableTest, NamesAreWithoutDirectories) {
  EXPECT_EQ(TableName("/data/KIBA.csv"), "KIBA.csv");
  EXPECT_EQ(TableName("/data/kiba"), "kiba");
  EXPECT_EQ(TableName("/data/kiba/"), "kiba");
  EXPECT_EQ(TableName("/data/kiba/."), "kiba");
}

TEST_F(TableTest, VectorsStandInTheFirstRowOfEachProtein) {
  const std::string csv = directory_.Write("x.csv",
                                           "smiles,sequence,protein_id,pKd\n"
                                           "C,MK,P1,5\nC,MV,P2,6\nCC,MK,P1,7\nCC,MV,P3,8\nCC,MW,P4,9\nCC,MV\n");
  ASSERT_OK_AND_ASSIGN(const auto rows, ReadFields(OpenTable(csv, Features())));
  EXPECT_THAT(rows[0], ElementsAre("smiles", "sequence", "protein_id", "pKd", "protein_features"));
  EXPECT_THAT(rows[1], ElementsAre("C", "MK", "P1", "5", "1 0.5"));
  EXPECT_THAT(rows[2], ElementsAre("C", "MV", "P2", "6", "2 3"));
  EXPECT_THAT(rows[3], ElementsAre("CC", "MK", "P1", "7", ""));
  EXPECT_THAT(rows[4], ElementsAre("CC", "MV", "P3", "8", ""));  // Another id, which has none.
  EXPECT_THAT(rows[5], ElementsAre("CC", "MW", "P4", "9", ""));
  EXPECT_THAT(rows[6], ElementsAre("CC", "MV", ""));  // Short still.
}

TEST_F(TableTest, AFoldersIdsHaveVectors) {
  ASSERT_OK_AND_ASSIGN(const auto rows, ReadFields(OpenTable(Folder(/*with_folds=*/true), Features())));
  EXPECT_EQ(rows[1].back(), "1 0.5");
  EXPECT_EQ(rows[2].back(), "2 3");
}

TEST_F(TableTest, VectorsComeFromOnePlace) {
  const std::string csv = directory_.Write("x.csv", "smiles,sequence,Protein Features,pKd\nC,MK,1 2,5\n");
  EXPECT_THAT(ReadFields(OpenTable(csv, Features())),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT",
                      "x.csv: has a column protein_features already; leave out the file of vectors or the column"));
  EXPECT_THAT(OpenTable(csv, directory_ / "none.pt"),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "none.pt: is missing"));
}

}  // namespace
}  // namespace deepbindnet
