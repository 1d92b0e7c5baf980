#include "core/data/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Header = std::vector<std::string>;
using Sample = std::vector<std::vector<std::string>>;

TEST(FindColumnsTest, KibaHeaderIsUnderstood) {
  const Header header = {
      "CHEMBLID", "ProteinID", "compound_iso_smiles", "target_sequence", "Ki  Kd and IC50  (KIBA Score)", "fold"};
  const Columns columns = FindColumns(header, {}, {"", "fold"}).value();
  EXPECT_EQ(columns.smiles, 2);
  EXPECT_EQ(columns.sequence, 3);
  EXPECT_EQ(columns.affinity, 4);
  EXPECT_EQ(columns.split, 5);
}

TEST(FindColumnsTest, SynonymsAreFoundWhateverTheirCaseAndPunctuation) {
  for (const Header& header : {Header{"SMILES", "Sequence", "pKd"}, Header{"Drug", "Protein", "Affinity"},
                               Header{"Canonical Smiles", "Target-Sequence", "Y"}, Header{"drug", "target", "label"}}) {
    const Columns columns = FindColumns(header, {}, {}).value();
    EXPECT_EQ(columns.smiles, 0);
    EXPECT_EQ(columns.sequence, 1);
    EXPECT_EQ(columns.affinity, 2);
    EXPECT_EQ(columns.split, -1);
  }
}

TEST(FindColumnsTest, MoreTellingNamesWin) {
  const Columns columns = FindColumns({"drug", "smiles", "target", "target_sequence", "pKd"}, {}, {}).value();
  EXPECT_EQ(columns.smiles, 1);
  EXPECT_EQ(columns.sequence, 3);
}

TEST(FindColumnsTest, TheOnlyOtherNumericColumnIsTheAffinity) {
  const Header header = {"smiles", "sequence", "assay", "inhibition", "fold", "drug_id"};
  const Sample sample = {
      {"CC", "MK", "A7", "1.5", "0", "17"}, {"CC", "MK", "A8", "-2e3", "1", "18"}, {"CC", "MK", "A9", "", "1", "18"}};
  EXPECT_EQ(FindColumns(header, sample, {}).value().affinity, 3);
}

TEST(FindColumnsTest, TheSplitColumnIsNoAffinity) {
  const Header header = {"smiles", "sequence", "inhibition", "part"};
  const Sample sample = {{"CC", "MK", "1.5", "0"}};
  EXPECT_EQ(FindColumns(header, sample, {"", "part"}).value().affinity, 2);
  EXPECT_EQ(GetReason(FindColumns(header, sample, {}).status()), "AMBIGUOUS_COLUMN");
}

TEST(FindColumnsTest, RequestedColumnsWinOverNames) {
  const Header header = {"smiles", "sequence", "pKd", "my value"};
  EXPECT_EQ(FindColumns(header, {}, {"my value", ""}).value().affinity, 3);
  EXPECT_EQ(FindColumns(header, {}, {"MY_VALUE", ""}).value().affinity, 3);
}

TEST(FindColumnsTest, AMissingColumnNamesTheColumnsThereAreAndTheRemedy) {
  const absl::Status status = FindColumns({"compound name", "sequence", "pKd"}, {}, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(status), "MISSING_COLUMN");
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("no SMILES column"), HasSubstr("'compound name'"),
                                                   HasSubstr("'sequence', 'pKd'"), HasSubstr("name one 'smiles'")));
  EXPECT_THAT(std::string(FindColumns({"smiles", "pKd"}, {}, {}).status().message()), HasSubstr("no sequence column"));
  EXPECT_THAT(std::string(FindColumns({"smiles", "sequence", "assay"}, {{"CC", "MK", "A"}}, {}).status().message()),
              AllOf(HasSubstr("no affinity column"), HasSubstr("affinity_column")));
}

TEST(FindColumnsTest, SeveralPossibleAffinitiesAreAnErrorThatNamesThem) {
  const absl::Status status = FindColumns({"smiles", "sequence", "pKd", "pKi"}, {}, {}).status();
  EXPECT_EQ(GetReason(status), "AMBIGUOUS_COLUMN");
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("'pKd', 'pKi'"), HasSubstr("affinity_column")));
}

TEST(FindColumnsTest, AnUnknownRequestedColumnNamesTheField) {
  const Header header = {"smiles", "sequence", "pKd"};
  EXPECT_THAT(std::string(FindColumns(header, {}, {"", "fold"}).status().message()),
              AllOf(HasSubstr("split_column: fold"), HasSubstr("'smiles', 'sequence', 'pKd'")));
  EXPECT_THAT(std::string(FindColumns(header, {}, {"kd", ""}).status().message()), HasSubstr("affinity_column: kd"));
}

TEST(FindColumnsTest, AMonstrousHeaderIsShownShortened) {
  const Header header(1000, std::string(1000, '\x01'));
  EXPECT_LT(FindColumns(header, {}, {}).status().message().size(), 5000u);
}

TEST(GuessAffinityUnitTest, UnitsComeFromTheName) {
  EXPECT_EQ(GuessAffinityUnit("Ki  Kd and IC50  (KIBA Score)"), "KIBA");
  EXPECT_EQ(GuessAffinityUnit("pKd"), "pKd");
  EXPECT_EQ(GuessAffinityUnit("PKI"), "pKi");
  EXPECT_EQ(GuessAffinityUnit("p_ic50"), "pIC50");
  EXPECT_EQ(GuessAffinityUnit("Kd (nM)"), "nM");
  EXPECT_EQ(GuessAffinityUnit("affinity"), "");
}

}  // namespace
}  // namespace deepbindnet
