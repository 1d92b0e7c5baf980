#include "core/csv/pair_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class PairTableTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<PairTable>> Open(const std::string& contents) {
    return PairTable::Open(directory_.Write("in.csv", contents));
  }
  // What ends the reading of a file with this contents, after its rows.
  absl::Status ErrorOf(const std::string& contents) {
    DBN_ASSIGN_OR_RETURN(const std::unique_ptr<PairTable> table, Open(contents));
    PairRow row;
    while (true) {
      DBN_ASSIGN_OR_RETURN(const bool more, table->Next(&row));
      if (!more) return absl::OkStatus();
    }
  }

  const TempDir directory_;
  PairRow row_;
};

TEST_F(PairTableTest, FindsMoleculeProteinAndIdByTheNamesOfTheirColumns) {
  ASSERT_OK_AND_ASSIGN(const auto table, Open("drug,Target ID,smiles,protein\nDB01,P1,CC,MK\n"));
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_EQ(row_.line, 2);
  EXPECT_THAT(row_.status, IsOk());
  EXPECT_EQ(table->Smiles(row_), "CC");
  EXPECT_EQ(table->Sequence(row_), "MK");
  EXPECT_EQ(table->ProteinId(row_), "P1");
  EXPECT_FALSE(table->Next(&row_).value());
}

TEST_F(PairTableTest, AProteinHasNoIdWithoutSuchAColumn) {
  ASSERT_OK_AND_ASSIGN(const auto table, Open("smiles,sequence\nCC,MK\n"));
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_EQ(table->ProteinId(row_), "");
}

TEST_F(PairTableTest, ResultsOfAnEarlierPredictionMakeWay) {
  ASSERT_OK_AND_ASSIGN(const auto table,
                       Open("prediction_error,smiles,predicted_unit,sequence,predicted_affinity,note\n"
                            "old,CC,pKi,MK,1,\"a,b\"\n"));
  EXPECT_EQ(table->OutputHeader(), "smiles,sequence,note,predicted_affinity,predicted_unit,prediction_error\n");
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_EQ(table->OutputLine(row_, 7.25, "pKd"), "CC,MK,\"a,b\",7.25,pKd,\n");
}

TEST_F(PairTableTest, AffinitiesHaveNineDigitsAndErrorsTheirMessage) {
  ASSERT_OK_AND_ASSIGN(const auto table, Open("smiles,sequence\nCC,MK\n"));
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_EQ(table->OutputLine(row_, 1234.5678912, ""), "CC,MK,1234.56789,,\n");
  EXPECT_EQ(table->OutputLine(row_, absl::InvalidArgumentError("bad, and why"), "pKd"), "CC,MK,,,\"bad, and why\"\n");
}

TEST_F(PairTableTest, RowsOfAnotherWidthHaveNoPairAndStopNothing) {
  ASSERT_OK_AND_ASSIGN(const auto table, Open("smiles,sequence,name\nC,M,2,4-D\nCC,M\nCCC,M,x\n"));
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_THAT(row_.status, IsError(kInvalid, "INVALID_ARGUMENT", "the row has 4 fields and not the header's 3"));
  EXPECT_THAT(row_.fields, ElementsAre("C", "M", "2"));
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_THAT(row_.status, IsError(kInvalid, "INVALID_ARGUMENT", "the row has 2 fields and not the header's 3"));
  EXPECT_THAT(row_.fields, ElementsAre("CC", "M", ""));
  ASSERT_THAT(table->Next(&row_), IsOk());
  EXPECT_THAT(row_.status, IsOk());
  EXPECT_EQ(row_.line, 4);
}

TEST_F(PairTableTest, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(ErrorOf(""), IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: is empty; it needs a header"));
  EXPECT_THAT(ErrorOf("a,sequence\n"),
              IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: has no SMILES column; name one 'smiles'"));
  EXPECT_THAT(ErrorOf("smiles,b\n"),
              IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: has no sequence column; name one 'sequence'"));
  EXPECT_THAT(ErrorOf("smiles,sequence\n"), IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: has a header and no rows"));
  EXPECT_THAT(ErrorOf("smiles,sequence\nC,M\nC"),
              IsError(kInvalid, "INVALID_ARGUMENT",
                      "in.csv: line 3: has 1 fields and not the header's 2; is the file truncated?"));
  EXPECT_THAT(PairTable::Open(directory_ / "none.csv"), IsError(absl::StatusCode::kNotFound, "NOT_FOUND", "none.csv"));
}

TEST_F(PairTableTest, ALastRowWithoutALineEndIsWhole) { EXPECT_THAT(ErrorOf("smiles,sequence\nC,M"), IsOk()); }

}  // namespace
}  // namespace deepbindnet
