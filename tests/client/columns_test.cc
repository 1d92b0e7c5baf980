#include "client/columns.h"

#include <gtest/gtest.h>

#include "core/csv/column_names.h"

namespace deepbindnet::client {
namespace {

TEST(ColumnNamesTest, TheClientAndTheServiceKnowTheSame) {
  EXPECT_EQ(SmilesColumnNames(), deepbindnet::SmilesColumnNames());
  EXPECT_EQ(SequenceColumnNames(), deepbindnet::SequenceColumnNames());
}

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

}  // namespace
}  // namespace deepbindnet::client
