#include "core/data/raw_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class RawTableTest : public ::testing::Test {
 protected:
  absl::StatusOr<RawTable> Read(const std::string& contents, const ColumnRequest& request = {}) {
    return ReadRawTable(dir_.Write("x.csv", contents), "", request, [](int64_t, int64_t) {});
  }
  const TempDir dir_;
};

TEST_F(RawTableTest, DistinctTextsAreKeptOnce) {
  const RawTable table = Read("smiles,sequence,pKd\nCC,MK,5\nCO,MK,6\nCC,MV,7\n").value();
  EXPECT_THAT(table.smiles, ElementsAre("CC", "CO"));
  EXPECT_THAT(table.sequences, ElementsAre("MK", "MV"));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[2].smiles, 0);
  EXPECT_EQ(table.rows[2].sequence, 1);
  EXPECT_EQ(table.rows[2].affinity, 7.0);
  EXPECT_EQ(table.rows[2].line, 4);
  EXPECT_EQ(table.rows[2].row, 3);
  EXPECT_EQ(table.rows_read, 3);
  EXPECT_EQ(table.affinity_name, "pKd");
}

TEST_F(RawTableTest, RowsWithoutAFiniteAffinityAreRejectedWithLineAndReason) {
  const RawTable table =
      Read("smiles,sequence,pKd\nCC,MK,5\nCC,MK,\nCC,MK,>7\xC2\xB5\nCC,MK,nan\nCC,MK,inf\nCC,MK, 6.5 \n").value();
  EXPECT_EQ(table.rows_read, 6);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[1].affinity, 6.5);
  ASSERT_EQ(table.rejected.size(), 4u);
  EXPECT_EQ(table.rejected[0].line, 3);
  EXPECT_EQ(table.rejected[0].row, 2);
  EXPECT_EQ(table.rejected[0].reason, "no affinity");
  EXPECT_EQ(table.rejected[1].reason, "affinity '>7\xC2\xB5' is not a finite number");
  EXPECT_EQ(table.rejected[3].row, 5);
}

TEST_F(RawTableTest, AnAffinityThatCarriesItsUnitIsRejectedAndSaysWhatToDo) {
  const RawTable table =
      Read("smiles,sequence,Kd\nC,M,12 nM\nC,M,1.5e2uM\nC,M, 3 \xC2\xB5M\nC,M,7%\nC,M,8\nC,M,1;5\n").value();
  EXPECT_EQ(table.rows.size(), 1u);
  ASSERT_EQ(table.rejected.size(), 5u);
  EXPECT_EQ(table.rejected[0].reason,
            "affinity '12 nM' carries its unit; write the number alone, in one unit for all rows, and name that with "
            "affinity_unit or in a column 'unit'");
  for (size_t i = 1; i < 4; ++i) EXPECT_THAT(table.rejected[i].reason, HasSubstr("carries its unit")) << i;
  EXPECT_EQ(table.rejected[4].reason, "affinity '1;5' is not a finite number");
}

TEST_F(RawTableTest, OnlyTheUnitsOfRowsWithAnAffinityCount) {
  EXPECT_EQ(Read("smiles,sequence,Kd,units\nC,M,1,nM\nC,M,,uM\n").value().unit, "nM");
  EXPECT_EQ(Read("smiles,sequence,Kd\nC,M,1\n").value().unit, "");
}

TEST_F(RawTableTest, FeaturesMayStandInAnyRowOfTheirProtein) {
  const RawTable table =
      Read("smiles,sequence,pKd,protein_features\nC,M,1,\nC,MK,1,1 2\nC,M,2,3 4\nC,M,3,3 4.0\nC,MV,2, \n").value();
  EXPECT_TRUE(table.has_features);
  EXPECT_THAT(table.features, ElementsAre(ElementsAre(3.0F, 4.0F), ElementsAre(1.0F, 2.0F), ElementsAre()));
  EXPECT_FALSE(Read("smiles,sequence,pKd\nC,M,1\n").value().has_features);
}

TEST_F(RawTableTest, FeaturesOfOneNumberAreNoAffinity) {
  EXPECT_EQ(Read("smiles,sequence,protein_features,y\nC,M,1,2\n").value().affinity_name, "y");
}

TEST_F(RawTableTest, FeaturesThatAreUnfitNameTheirLine) {
  const auto refused = [this](const std::string& rows) {
    const absl::Status status = Read("smiles,sequence,pKd,protein_features\n" + rows).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(refused("C,M,1,1 2\nC,MK,1,1 x\n"),
              HasSubstr("x.csv: line 3: the protein's vector of features cannot be read: 'x' is no finite number"));
  EXPECT_THAT(refused("C,M,1,1 2\nC,MK,1,1\n"),
              HasSubstr("line 3: the protein's vector of features has 1 numbers, and those before it have 2"));
  EXPECT_THAT(refused("C,M,1,1 2\nC,M,1,1 3\n"),
              HasSubstr("line 3: the protein's vector of features differs from the one that an earlier row gives"));
}

TEST_F(RawTableTest, AffinitiesWhoseSquaresWouldOverflowAreRejected) {
  const RawTable table = Read("smiles,sequence,pKd\nC,M,1e15\nC,M,-1e15\nC,M,1e200\nC,M,-1.1e15\n").value();
  EXPECT_EQ(table.rows.size(), 2u);
  ASSERT_EQ(table.rejected.size(), 2u);
  EXPECT_EQ(table.rejected[0].line, 4);
  EXPECT_EQ(table.rejected[0].reason, "affinity '1e200' is out of range: its size is over 1e+15");
  EXPECT_EQ(table.rejected[1].line, 5);
}

TEST_F(RawTableTest, RowsOfAnotherWidthAreRejected) {
  const RawTable table = Read("smiles,sequence,pKd\nCC,MK\nCC,MK,5,6\nCC,MK,5\n").value();
  EXPECT_EQ(table.rows.size(), 1u);
  ASSERT_EQ(table.rejected.size(), 2u);
  EXPECT_EQ(table.rejected[0].reason, "has 2 fields, the header has 3");
  EXPECT_EQ(table.rejected[1].reason, "has 4 fields, the header has 3");
}

TEST_F(RawTableTest, AFileThatEndsWithinARowIsAnErrorThatNamesTheLine) {
  const absl::Status status = Read("smiles,sequence,pKd\nCC,MK,5\nCC,MKTV").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("x.csv: line 3"), HasSubstr("2 of 3 fields"), HasSubstr("cut off")));
  EXPECT_EQ(Read("smiles,sequence,pKd\nCC,MK,5\nCC,MKTV,5").value().rows.size(), 2u);
}

TEST_F(RawTableTest, FilesWithoutRowsAreErrors) {
  EXPECT_THAT(std::string(Read("").status().message()), HasSubstr("is empty"));
  EXPECT_THAT(std::string(Read("smiles,sequence,pKd\n").status().message()),
              HasSubstr("has a header but no rows; give a row for each measured pair"));
}

TEST_F(RawTableTest, AMissingColumnNamesTheFile) {
  const absl::Status status = Read("molecule,pKd\nCC,5\n").status();
  EXPECT_EQ(GetReason(status), "MISSING_COLUMN");
  EXPECT_THAT(std::string(status.message()), HasSubstr("x.csv: no sequence column"));
}

TEST_F(RawTableTest, PartsComeFromTheSplitColumn) {
  const RawTable table =
      Read("smiles,sequence,pKd,part\nC,M,1,0\nC,M,1,test\nC,M,1,val\nC,M,1,Validation\nC,M,1, TEST \nC,M,1,\n",
           {"", "part"})
          .value();
  std::vector<Part> parts;
  for (const RawRow& row : table.rows) parts.push_back(row.part);
  EXPECT_THAT(parts, ElementsAre(Part::kTrain, Part::kTest, Part::kVal, Part::kVal, Part::kTest, Part::kTrain));
  EXPECT_THAT(table.split_labels, ElementsAre(Pair("", 1), Pair("0", 1), Pair("TEST", 1), Pair("Validation", 1),
                                              Pair("test", 1), Pair("val", 1)));
}

TEST_F(RawTableTest, MoreRowsThanTheSampleAreRead) {
  std::string contents = "smiles,sequence,value\n";
  for (int i = 0; i < 10000; ++i) absl::StrAppend(&contents, "C,M,", i, "\n");
  int64_t last = 0;
  int64_t total = 0;
  const RawTable table = ReadRawTable(dir_.Write("x.csv", contents), "", {}, [&](int64_t bytes, int64_t size) {
                           EXPECT_GE(bytes, last);
                           last = bytes;
                           total = size;
                         }).value();
  ASSERT_EQ(table.rows.size(), 10000u);
  for (size_t i = 0; i < table.rows.size(); ++i) {
    ASSERT_EQ(table.rows[i].affinity, static_cast<double>(i));
    ASSERT_EQ(table.rows[i].line, static_cast<int64_t>(i) + 2);
  }
  EXPECT_EQ(last, static_cast<int64_t>(contents.size()));
  EXPECT_EQ(total, last);
}

}  // namespace
}  // namespace deepbindnet
