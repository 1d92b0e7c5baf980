#include "core/csv/column_names.h"

#include <gtest/gtest.h>

namespace deepbindnet {
namespace {

TEST(FindColumnTest, TheMoreTellingNameWinsWhereverItStands) {
  const std::vector<std::string> header = {"drug", "smiles", "protein", "sequence"};
  EXPECT_EQ(FindColumn(header, SmilesColumnNames()), 1);
  EXPECT_EQ(FindColumn(header, SequenceColumnNames()), 3);
}

TEST(FindColumnTest, IgnoresCaseSpacesAndPunctuation) {
  const std::vector<std::string> header = {"id", " Canonical-SMILES ", "FASTA sequence"};
  EXPECT_EQ(FindColumn(header, SmilesColumnNames()), 1);
  EXPECT_EQ(FindColumn(header, SequenceColumnNames()), 2);
}

TEST(FindColumnTest, APartOfANameIsNoName) {
  EXPECT_EQ(FindColumn({"id", "smile", "my sequence"}, SmilesColumnNames()), -1);
  EXPECT_EQ(FindColumn({"id", "smile", "my sequence"}, SequenceColumnNames()), -1);
}

TEST(NormalizeColumnNameTest, KeepsWhatIsBeyondAscii) {
  EXPECT_EQ(NormalizeColumnName(" p_Kd (nM) "), "pkdnm");
  EXPECT_EQ(NormalizeColumnName("\xE6\xB4\xBB \xE6\x80\xA7"), "\xE6\xB4\xBB\xE6\x80\xA7");
  EXPECT_EQ(NormalizeColumnName("#"), "");
}

}  // namespace
}  // namespace deepbindnet
