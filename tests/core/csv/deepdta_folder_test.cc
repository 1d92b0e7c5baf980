#include "core/csv/deepdta_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/core/csv/read_table.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

constexpr char kKiba[] = "kiba_binding_affinity_v2.txt";
constexpr char kDavis[] = "drug-target_interaction_affinities_Kd__Davis_et_al.2011v1.txt";
constexpr char kTrainFolds[] = "folds/train_fold_setting1.txt";
constexpr char kTestFold[] = "folds/test_fold_setting1.txt";

class DeepDtaFolderTest : public ::testing::Test {
 protected:
  // Two molecules, three proteins, five measured cells. Ids stand in no order.
  DeepDtaFolderTest() {
    folder_.Write("ligands_can.txt", R"({"D9": "CCO", "D1": "C,C"})");
    folder_.Write("proteins.txt", R"({"P2": "MK", "P1": "MV", "P3": "MA"})");
    folder_.Write(kKiba, "11.1\tnan\t12.50\n1e1 NaN  9\n");
    folder_.Write(kTrainFolds, "[[3, 0], [2]]");
    folder_.Write(kTestFold, "[1]");
  }

  void Remove(const std::string& name) { std::filesystem::remove_all(folder_ / name); }

  auto Read() const { return ReadFields(OpenDeepDtaFolder(folder_.path())); }
  void ExpectRefused(const std::string& message) const {
    EXPECT_THAT(Read(), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message));
  }

  const TempDir folder_;
};

TEST_F(DeepDtaFolderTest, GivesEveryMeasuredCellRowByRowWithItsFold) {
  ASSERT_OK_AND_ASSIGN(const auto rows, Read());
  EXPECT_THAT(rows, ElementsAre(ElementsAre("CHEMBLID", "ProteinID", "compound_iso_smiles", "target_sequence",
                                            "Ki  Kd and IC50  (KIBA Score)", "fold"),
                                ElementsAre("D9", "P2", "CCO", "MK", "11.1", "0"),
                                ElementsAre("D9", "P3", "CCO", "MA", "12.50", "test"),
                                ElementsAre("D1", "P2", "C,C", "MK", "1e1", "1"),
                                ElementsAre("D1", "P3", "C,C", "MA", "9", "0")));
}

TEST_F(DeepDtaFolderTest, LinesAreThoseOfTheTable) {
  ASSERT_OK_AND_ASSIGN(const auto rows, ReadRows(OpenDeepDtaFolder(folder_.path())));
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].line, static_cast<int64_t>(i + 1));
    EXPECT_TRUE(rows[i].ends_with_newline);
  }
}

TEST_F(DeepDtaFolderTest, WithoutFoldsThereIsNoColumn) {
  Remove("folds");
  EXPECT_FALSE(HasFolds(folder_.path()));
  ASSERT_OK_AND_ASSIGN(const auto rows, Read());
  EXPECT_EQ(rows[0].size(), 5u);
  EXPECT_THAT(rows[4], ElementsAre("D1", "P3", "C,C", "MA", "9"));
}

TEST_F(DeepDtaFolderTest, DavisConstantsBecomePkd) {
  Remove(kKiba);
  folder_.Write(kDavis, "43 nan 10000\n2900 nan 1\n");
  ASSERT_OK_AND_ASSIGN(const auto rows, Read());
  EXPECT_EQ(rows[0][4], "pKd");
  EXPECT_EQ(std::stod(rows[1][4]), -std::log10(43 / 1e9));
  EXPECT_EQ(std::stod(rows[2][4]), 5.0);
  folder_.Write(kDavis, "43 nan 10000\n0 nan 1\n");
  ExpectRefused("line 2: value 1, '0', is no Kd in nM: it is not above 0");
}

TEST_F(DeepDtaFolderTest, AnotherMatrixIsTakenAsItIs) {
  Remove(kKiba);
  folder_.Write("mine.txt", "7 nan 8\n9 nan 10\n");
  folder_.Write("target-target_similarities_WS.txt", "1");
  folder_.Write("ligands_iso.txt", "{}");
  ASSERT_OK_AND_ASSIGN(const auto rows, Read());
  EXPECT_EQ(rows[0][4], "affinity");
  EXPECT_EQ(rows[4][4], "10");
}

TEST_F(DeepDtaFolderTest, SeveralMatricesAreNamed) {
  folder_.Write(kDavis, "1");
  ExpectRefused("several files may be the matrix of affinities: drug-target_interaction_affinities_Kd");
}

TEST_F(DeepDtaFolderTest, APickledMatrixIsNotReadAndSaysWhatIsNeeded) {
  Remove(kKiba);
  ExpectRefused("has no matrix of affinities; put kiba_binding_affinity_v2.txt or");
  folder_.Write("Y", "\x80\x02.");
  ExpectRefused(
      "has no matrix of affinities as text; Y is a pickle, which is never read because it can run code; put "
      "kiba_binding_affinity_v2.txt or");
}

TEST_F(DeepDtaFolderTest, AMissingFileIsNamedWithWhatAFolderHas) {
  Remove("proteins.txt");
  ExpectRefused("proteins.txt: is missing; a DeepDTA folder has ligands_can.txt and proteins.txt");
}

TEST_F(DeepDtaFolderTest, TextsThatAreNoObjectOfTextsAreRefused) {
  folder_.Write("ligands_can.txt", "CCO\nCC\n");
  ExpectRefused("ligands_can.txt: is no JSON");
  folder_.Write("ligands_can.txt", R"({"D9": 3})");
  ExpectRefused("ligands_can.txt: has a number at 'D9'; every entry is a text");
}

TEST_F(DeepDtaFolderTest, AMatrixOfAnotherShapeIsRefused) {
  folder_.Write(kKiba, "1 2\n3 4\n");
  ExpectRefused("kiba_binding_affinity_v2.txt: line 1: has 2 values for the 3 proteins of proteins.txt");
  folder_.Write(kKiba, "11 nan 12\n");
  ExpectRefused("has 1 lines for the 2 molecules of ligands_can.txt");
  folder_.Write(kKiba, "11 nan 12\n10 nan 9\n8 nan nan\n");
  ExpectRefused("line 3: is one more than the 2 molecules of ligands_can.txt");
  folder_.Write(kKiba, "11 nan 12\n\n10 nan 9\n");
  ExpectRefused("line 2: has 0 values");
  folder_.Write(kKiba, std::string(1000, ' '));
  ExpectRefused("has 1000 bytes, too many for the affinities of 2 molecules and 3 proteins");
}

TEST_F(DeepDtaFolderTest, EmptyLinesAtTheEndAndCrlfDoNotMatter) {
  folder_.Write(kKiba, "11 nan 12\r\n10 nan 9\r\n\r\n\n");
  ASSERT_OK_AND_ASSIGN(const auto rows, Read());
  EXPECT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[2][4], "12");
}

TEST_F(DeepDtaFolderTest, AValueThatIsNoNumberIsNamed) {
  folder_.Write(kKiba, "11 nan 12\n10 nan 9x\n");
  ExpectRefused("line 2: value 3, '9x', is no number and not nan");
  folder_.Write(kKiba, "11 nan inf\n10 nan 9\n");
  ExpectRefused("line 1: value 3, 'inf', is no number and not nan");
}

TEST_F(DeepDtaFolderTest, FoldsNameEachMeasuredCellOnce) {
  folder_.Write(kTestFold, "[2]");
  ExpectRefused("folds: no fold has position 1; give each of the 4 measured cells once");
  folder_.Write(kTestFold, "[1, 3]");
  ExpectRefused("folds: position 3 stands twice; give each of the 5 measured cells once");
  folder_.Write(kTestFold, "[1, 4]");
  ExpectRefused("has 4 measured cells, and the folds name 5");
  folder_.Write(kTestFold, "[1]");
  folder_.Write(kKiba, "11 nan 12\n10 8 9\n");
  ExpectRefused("line 2: has a measured cell that no fold names: the folds have 4");
}

TEST_F(DeepDtaFolderTest, FoldsOfAnotherFormAreRefused) {
  folder_.Write(kTrainFolds, "[0, 2]");
  ExpectRefused("train_fold_setting1.txt: fold 0 is no list");
  folder_.Write(kTrainFolds, "[[0, -2]]");
  ExpectRefused("train_fold_setting1.txt: -2 is no position");
  folder_.Write(kTrainFolds, "0 1 2");
  ExpectRefused("train_fold_setting1.txt: is no JSON list; give a list of folds");
  Remove(kTrainFolds);
  ExpectRefused("train_fold_setting1.txt: is missing");
}

}  // namespace
}  // namespace deepbindnet
