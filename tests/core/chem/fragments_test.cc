#include "core/chem/fragments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

TEST(JoinFragmentsTest, BondsFragmentsAtTheirAttachmentPoints) {
  EXPECT_EQ(JoinFragments({"[*:1]c1ccccc1", "[*:1]C#N"}).value(), "N#Cc1ccccc1");
  EXPECT_EQ(JoinFragments({"[*:1]c1ccc([*:2])cc1", "[*:2]O", "[*:1]C"}).value(), "Cc1ccc(O)cc1");
}

TEST(JoinFragmentsTest, AFragmentMayLinkTwoOthers) {
  EXPECT_EQ(JoinFragments({"[*:1]c1ccccc1", "[*:1]CC[*:4]", "[*:4]B(O)O"}).value(), "OB(O)CCc1ccccc1");
}

TEST(JoinFragmentsTest, AnAttachmentPointWithoutPartnerIsAnError) {
  const absl::Status status = JoinFragments({"[*:1]c1ccccc1", "[*:2]C"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("attachment point"));
}

TEST(JoinFragmentsTest, AResultThatIsNoMoleculeIsAnError) {
  EXPECT_EQ(GetReason(JoinFragments({"[*:1]C(C)(C)(C)C", "[*:1]C"}).status()), "INVALID_SMILES");
  EXPECT_EQ(GetReason(JoinFragments({"[*:1]C(", "[*:1]C"}).status()), "INVALID_SMILES");
}

}  // namespace
}  // namespace deepbindnet
