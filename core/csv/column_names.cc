#include "core/csv/column_names.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace deepbindnet {

const std::vector<absl::string_view>& SmilesColumnNames() {
  static const auto* names = new std::vector<absl::string_view>{
      "compoundisosmiles", "canonicalsmiles", "isosmiles", "isomericsmiles", "compoundsmiles", "drugsmiles",
      "ligandsmiles",      "smiles",          "drug",      "ligand",         "compound",       "molecule"};
  return *names;
}

const std::vector<absl::string_view>& SequenceColumnNames() {
  static const auto* names =
      new std::vector<absl::string_view>{"targetsequence", "proteinsequence", "aminoacidsequence", "aasequence",
                                         "fastasequence",  "sequence",        "protein",           "target"};
  return *names;
}

const std::vector<absl::string_view>& ProteinIdColumnNames() {
  static const auto* names = new std::vector<absl::string_view>{"proteinid", "targetid",    "uniprotid", "uniprot",
                                                                "accession", "proteinname", "targetname"};
  return *names;
}

const std::vector<absl::string_view>& FeatureColumnNames() {
  static const auto* names = new std::vector<absl::string_view>{"proteinfeatures"};
  return *names;
}

const std::vector<absl::string_view>& UnitColumnNames() {
  static const auto* names =
      new std::vector<absl::string_view>{"affinityunit",    "affinityunits", "standardunit", "standardunits",
                                         "measurementunit", "valueunit",     "unit",         "units"};
  return *names;
}

std::string NormalizeColumnName(absl::string_view name) {
  std::string normalized;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || byte >= 0x80) normalized.push_back(absl::ascii_tolower(byte));
  }
  return normalized;
}

int FindColumn(const std::vector<std::string>& header, const std::vector<absl::string_view>& names) {
  std::vector<std::string> normalized;
  for (const std::string& column : header) normalized.push_back(NormalizeColumnName(column));
  for (const absl::string_view name : names) {
    const auto found = std::find(normalized.begin(), normalized.end(), name);
    if (found != normalized.end()) return static_cast<int>(found - normalized.begin());
  }
  return -1;
}

}  // namespace deepbindnet
