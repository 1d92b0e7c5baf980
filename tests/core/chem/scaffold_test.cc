#include "core/chem/scaffold.h"

#include <gtest/gtest.h>

#include <string>

namespace deepbindnet {
namespace {

TEST(MurckoScaffoldTest, SideChainsAreCutOff) {
  EXPECT_EQ(MurckoScaffold("Cc1ccccc1").value(), "c1ccccc1");
  EXPECT_EQ(MurckoScaffold("CC(=O)Oc1ccccc1C(=O)O").value(), "c1ccccc1");
}

TEST(MurckoScaffoldTest, LinkersBetweenRingsStay) {
  EXPECT_EQ(MurckoScaffold("Cc1ccc(CCc2ccccc2)cc1").value(), MurckoScaffold("c1ccc(CCc2ccccc2F)cc1").value());
  EXPECT_NE(MurckoScaffold("c1ccc(CCc2ccccc2)cc1").value(), MurckoScaffold("c1ccc(Cc2ccccc2)cc1").value());
}

TEST(MurckoScaffoldTest, StereoisomersShareAScaffold) {
  EXPECT_EQ(MurckoScaffold("C1C[C@H](c2ccccc2)CO1").value(), MurckoScaffold("C1C[C@@H](c2ccccc2)CO1").value());
}

TEST(MurckoScaffoldTest, AMoleculeWithoutARingHasNone) { EXPECT_EQ(MurckoScaffold("CCO").value(), ""); }

TEST(MurckoScaffoldTest, InvalidSmilesIsAnError) {
  EXPECT_EQ(GetReason(MurckoScaffold("C1CC").status()), "INVALID_SMILES");
}

}  // namespace
}  // namespace deepbindnet
