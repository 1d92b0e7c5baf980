// Protein sequences as residue tokens.
#ifndef DEEPBINDNET_CORE_CHEM_PROTEIN_H_
#define DEEPBINDNET_CORE_CHEM_PROTEIN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Token 0 is padding; 1..25 are the letters below in order: the 20 standard residues, then U (selenocysteine),
// O (pyrrolysine), B (D or N), Z (E or Q) and X (any); J (I or L) is read as X.
inline constexpr absl::string_view kResidueLetters = "ACDEFGHIKLMNPQRSTVWYUOBZX";
inline constexpr int kResidueVocabulary = 26;  // Tokens, padding included.

// Longest sequence accepted anywhere, in residues; a model's own limit may be lower.
inline constexpr int kMaxSequenceLength = 10000;

struct Protein {
  std::string sequence;         // Upper case, without white space.
  std::vector<uint8_t> tokens;  // [residues], each in 1..25.
};

// INVALID_ARGUMENT with reason INVALID_SEQUENCE for an empty sequence or one with a character that is no residue (the
// message names the character and its position, from 1), SEQUENCE_TOO_LONG beyond kMaxSequenceLength. Lower case is
// accepted, a trailing stop '*' is dropped.
absl::StatusOr<Protein> ParseSequence(absl::string_view sequence);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CHEM_PROTEIN_H_
