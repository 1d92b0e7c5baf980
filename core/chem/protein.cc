#include "core/chem/protein.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

// Token of every byte; 0 where it is no residue.
std::array<uint8_t, 256> MakeTokenTable() {
  std::array<uint8_t, 256> table{};
  for (size_t i = 0; i < kResidueLetters.size(); ++i) {
    table[static_cast<unsigned char>(kResidueLetters[i])] = static_cast<uint8_t>(i + 1);
  }
  table[static_cast<unsigned char>('J')] = table[static_cast<unsigned char>('X')];
  return table;
}

absl::Status InvalidSequence(absl::string_view problem) {
  return WithReason(absl::InvalidArgumentError(problem), "INVALID_SEQUENCE");
}

// What is wrong with a character that is no residue, and what to do.
std::string Remedy(char character) {
  switch (character) {
    case '-':
    case '.':
      return "is the gap of an alignment; leave gaps out";
    case '*':
      return "is a stop; give one protein, up to its stop";
    case '>':
      return "begins a FASTA header; leave that line out";
    default:
      return absl::StrCat("is no residue; give one-letter amino acids (", kResidueLetters, ", J)");
  }
}

}  // namespace

absl::StatusOr<Protein> ParseSequence(absl::string_view sequence) {
  static const std::array<uint8_t, 256> token_table = MakeTokenTable();
  absl::string_view letters = absl::StripAsciiWhitespace(sequence);
  if (absl::EndsWith(letters, "*")) letters.remove_suffix(1);
  Protein protein;
  protein.sequence.reserve(letters.size());
  protein.tokens.reserve(letters.size());
  for (size_t i = 0; i < letters.size(); ++i) {
    const auto byte = static_cast<unsigned char>(letters[i]);
    if (absl::ascii_isspace(byte)) continue;
    const char letter = absl::ascii_toupper(byte);
    const uint8_t token = token_table[static_cast<unsigned char>(letter)];
    if (token == 0) {
      return InvalidSequence(absl::StrCat("'", absl::CEscape(letters.substr(i, 1)), "' at position ",
                                          protein.tokens.size() + 1, " ", Remedy(letters[i])));
    }
    protein.sequence.push_back(letter);
    protein.tokens.push_back(token);
  }
  if (protein.tokens.size() > kMaxSequenceLength) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "the sequence has ", protein.tokens.size(), " residues; at most ", kMaxSequenceLength,
                          " are supported: give the part that binds, for example a domain")),
                      "SEQUENCE_TOO_LONG");
  }
  if (protein.tokens.empty()) return InvalidSequence("the sequence is empty; give one-letter amino acids");
  return protein;
}

}  // namespace deepbindnet
