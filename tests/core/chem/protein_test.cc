#include "core/chem/protein.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void ExpectInvalid(absl::string_view sequence, const std::string& part_of_message) {
  const absl::Status status = ParseSequence(sequence).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << sequence;
  EXPECT_EQ(GetReason(status), "INVALID_SEQUENCE");
  EXPECT_THAT(std::string(status.message()), HasSubstr(part_of_message));
}

TEST(ParseSequenceTest, TokensFollowTheOrderOfTheLetters) {
  const Protein protein = ParseSequence(kResidueLetters).value();
  ASSERT_EQ(protein.tokens.size(), 25u);
  for (size_t i = 0; i < protein.tokens.size(); ++i) EXPECT_EQ(protein.tokens[i], i + 1);
  EXPECT_EQ(kResidueVocabulary, 26);
}

TEST(ParseSequenceTest, RareAndAmbiguousResiduesHaveTheirOwnTokens) {
  EXPECT_THAT(ParseSequence("UOBZX").value().tokens, ElementsAre(21, 22, 23, 24, 25));
}

TEST(ParseSequenceTest, JIsReadAsX) {
  const Protein protein = ParseSequence("AJ").value();
  EXPECT_THAT(protein.tokens, ElementsAre(1, 25));
  EXPECT_EQ(protein.sequence, "AJ");
}

TEST(ParseSequenceTest, LowerCaseAndWhiteSpaceAreAccepted) {
  const Protein protein = ParseSequence(" mk\n tV\r\n").value();
  EXPECT_EQ(protein.sequence, "MKTV");
  EXPECT_EQ(protein.tokens, ParseSequence("MKTV").value().tokens);
}

TEST(ParseSequenceTest, OneTrailingStopIsDropped) {
  EXPECT_EQ(ParseSequence("MK*").value().sequence, "MK");
  ExpectInvalid("MK**", "'*' at position 3");
  ExpectInvalid("M*K", "'*' at position 2");
}

TEST(ParseSequenceTest, EmptySequencesAreErrors) {
  ExpectInvalid("", "empty");
  ExpectInvalid(" \n", "empty");
  ExpectInvalid("*", "empty");
}

TEST(ParseSequenceTest, OtherCharactersAreNamedWithTheirPositionAmongResidues) {
  ExpectInvalid("MK1V", "'1' at position 3");
  ExpectInvalid("M K-V", "'-' at position 3");
  ExpectInvalid("MK\xC3\xA9", "position 3");
  ExpectInvalid(absl::string_view("MK\0V", 4), "\\000");
  ExpectInvalid(">sp|P1\nMKV", "'>' at position 1");
}

TEST(ParseSequenceTest, ErrorsSayWhatToDo) {
  ExpectInvalid("MK-V", "is the gap of an alignment; leave gaps out");
  ExpectInvalid("MK.V", "is the gap of an alignment; leave gaps out");
  ExpectInvalid("MK*V", "is a stop; give one protein, up to its stop");
  ExpectInvalid(">sp|P1\nMKV", "begins a FASTA header; leave that line out");
  ExpectInvalid("MK?V", "is no residue; give one-letter amino acids (ACDEFGHIKLMNPQRSTVWYUOBZX, J)");
}

TEST(ParseSequenceTest, TheLongestSequenceIsAcceptedAndNoLonger) {
  EXPECT_TRUE(ParseSequence(std::string(kMaxSequenceLength, 'A')).ok());
  const absl::Status too_long = ParseSequence(std::string(kMaxSequenceLength + 1, 'A')).status();
  EXPECT_EQ(too_long.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(too_long), "SEQUENCE_TOO_LONG");
  EXPECT_THAT(std::string(too_long.message()),
              HasSubstr("has 10001 residues; at most 10000 are supported: give the part"));
}

}  // namespace
}  // namespace deepbindnet
