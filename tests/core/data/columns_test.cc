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

TEST(FindColumnsTest, NamesBeyondAsciiAreNames) {
  const Header header = {"", "smiles", "sequence", "\xE6\xB4\xBB\xE6\x80\xA7", "#"};
  const Sample sample = {{"0", "CC", "MK", "1.5", "x"}, {"1", "CC", "MK", "2.5", "y"}};
  EXPECT_EQ(FindColumns(header, sample, {}).value().affinity, 3);
  EXPECT_EQ(FindColumns(header, sample, {header[3], ""}).value().affinity, 3);
  const std::string other = "\xE4\xBA\xB2\xE5\x92\x8C\xE5\x8A\x9B";
  for (const std::string& name : {other, std::string("%")}) {
    const absl::Status status = FindColumns(header, sample, {name, ""}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("affinity_column: " + name + " is no column"), HasSubstr("'" + header[3] + "'")));
  }
}

TEST(FindColumnsTest, ARequestedNameThatOccursTwiceIsAmbiguous) {
  const auto refused = [](const Header& header, const ColumnRequest& request) {
    const absl::Status status = FindColumns(header, {}, request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(GetReason(status), "AMBIGUOUS_COLUMN");
    EXPECT_THAT(std::string(status.message()), HasSubstr("rename one of them"));
    return std::string(status.message());
  };
  EXPECT_THAT(refused({"smiles", "sequence", "pKd", "pKd"}, {"pKd", ""}),
              HasSubstr("affinity_column: pKd names several columns: 'pKd', 'pKd'"));
  EXPECT_THAT(refused({"smiles", "sequence", "p kd", "pKd"}, {"PKD", ""}), HasSubstr("'p kd', 'pKd'"));
  EXPECT_THAT(refused({"smiles", "sequence", "pKd", "fold", "fold"}, {"", "fold"}), HasSubstr("split_column: fold"));
  EXPECT_EQ(FindColumns({"smiles", "sequence", "p kd", "pKd"}, {}, {"pKd", ""}).value().affinity, 3);
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
  EXPECT_EQ(GuessAffinityUnit("measured pKi, mean"), "pKi");
  EXPECT_EQ(GuessAffinityUnit("IC50_nM"), "nM");
  EXPECT_EQ(GuessAffinityUnit("KdnM"), "nM");
  EXPECT_EQ(GuessAffinityUnit("kibascore"), "KIBA");
  EXPECT_EQ(GuessAffinityUnit("affinity"), "");
}

TEST(GuessAffinityUnitTest, PartsOfWordsSayNothing) {
  for (const char* name : {"top kinase value", "pkinase", "column m", "inhibition in m", "cap kd", ""}) {
    EXPECT_EQ(GuessAffinityUnit(name), "") << name;
  }
}

}  // namespace
}  // namespace deepbindnet
