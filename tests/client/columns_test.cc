#include "client/columns.h"

#include <gtest/gtest.h>

namespace deepbindnet::client {
namespace {

TEST(FindColumnTest, TheMoreTellingNameWinsWhereverItStands) {
  const std::vector<std::string> header = {"drug", "smiles", "protein", "sequence"};
  EXPECT_EQ(FindColumn(header, SmilesNames()), 1);
  EXPECT_EQ(FindColumn(header, SequenceNames()), 3);
}

TEST(FindColumnTest, IgnoresCaseSpacesAndPunctuation) {
  const std::vector<std::string> header = {"id", " Canonical-SMILES ", "FASTA sequence"};
  EXPECT_EQ(FindColumn(header, SmilesNames()), 1);
  EXPECT_EQ(FindColumn(header, SequenceNames()), 2);
}

TEST(FindColumnTest, APartOfANameIsNoName) {
  EXPECT_EQ(FindColumn({"id", "smile", "my sequence"}, SmilesNames()), -1);
  EXPECT_EQ(FindColumn({"id", "smile", "my sequence"}, SequenceNames()), -1);
}

}  // namespace
}  // namespace deepbindnet::client
