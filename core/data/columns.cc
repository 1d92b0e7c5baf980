#include "core/data/columns.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"
#include "core/csv/column_names.h"

namespace deepbindnet {
namespace {

using Names = std::vector<absl::string_view>;

constexpr size_t kShownColumns = 20;
constexpr size_t kShownCharacters = 40;

// Normalised. A header with two of these is ambiguous.
const Names& AffinityNames() {
  static const auto* names = new Names{
      "affinity", "bindingaffinity", "affinityscore", "affinityvalue", "label", "y",    "kiba", "kibascore", "pkd",
      "pki",      "pic50",           "pec50",         "paffinity",     "kdnm",  "kinm", "kd",   "ki",        "ic50",
      "ec50",     "ic50nm",          "ec50nm"};
  return *names;
}

// Numeric columns that are never an affinity.
const Names& BookkeepingNames() {
  static const auto* names = new Names{"fold",   "split",    "index",      "id",        "row", "pairid",
                                       "drugid", "targetid", "compoundid", "proteinid", "cid"};
  return *names;
}

bool Contains(const Names& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Pandas writes its index under an empty name.
bool IsBookkeeping(absl::string_view name, absl::string_view normalized) {
  return absl::StripAsciiWhitespace(name).empty() || Contains(BookkeepingNames(), normalized);
}

std::vector<std::string> NormalizeAll(const std::vector<std::string>& header) {
  std::vector<std::string> normalized;
  for (const std::string& name : header) normalized.push_back(NormalizeColumnName(name));
  return normalized;
}

// "'a', 'b'", shortened where a file that is no CSV has a monstrous first line.
std::string Show(const std::vector<std::string>& header) {
  std::vector<std::string> shown;
  for (const std::string& name : header) {
    if (shown.size() == kShownColumns) {
      shown.emplace_back("...");
      break;
    }
    shown.push_back(absl::StrCat("'", ShowText(name, kShownCharacters), "'"));
  }
  return absl::StrJoin(shown, ", ");
}

absl::Status MissingColumn(absl::string_view what, const std::vector<std::string>& header, absl::string_view remedy) {
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("no ", what, " column; the columns are ", Show(header), "; ", remedy)),
      "MISSING_COLUMN");
}

absl::StatusOr<int> FindByNames(const std::vector<std::string>& header, const Names& names, absl::string_view what) {
  const int found = FindColumn(header, names);
  if (found >= 0) return found;
  return MissingColumn(
      what, header,
      absl::StrCat("name one '", what == "SMILES" ? "smiles" : "sequence", "', and separate columns with commas"));
}

std::vector<int> FindAll(const std::vector<std::string>& names, const std::string& name) {
  std::vector<int> found;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) found.push_back(static_cast<int>(i));
  }
  return found;
}

std::vector<std::string> Select(const std::vector<std::string>& header, const std::vector<int>& columns) {
  std::vector<std::string> selected;
  for (const int column : columns) selected.push_back(header[static_cast<size_t>(column)]);
  return selected;
}

absl::StatusOr<int> FindRequested(const std::vector<std::string>& header, const std::vector<std::string>& normalized,
                                  const std::string& name, absl::string_view field) {
  std::vector<int> found = FindAll(header, name);
  const std::string normal = NormalizeColumnName(name);
  if (found.empty() && !normal.empty()) found = FindAll(normalized, normal);
  if (found.empty()) {
    return InvalidField(field, name, absl::StrCat("is no column of the file; the columns are ", Show(header)));
  }
  if (found.size() == 1) return found.front();
  return WithReason(
      InvalidField(field, name,
                   absl::StrCat("names several columns: ", Show(Select(header, found)), "; rename one of them")),
      "AMBIGUOUS_COLUMN", {{"field", std::string(field)}, {"value", name}});
}

bool IsNumeric(const std::vector<std::vector<std::string>>& sample, size_t column) {
  bool any = false;
  for (const std::vector<std::string>& row : sample) {
    if (column >= row.size() || row[column].empty()) continue;
    double value = 0.0;
    if (!absl::SimpleAtod(row[column], &value)) return false;
    any = true;
  }
  return any;
}

// In lower case; for "p" and the word behind it also both as one.
std::vector<std::string> WordsOf(absl::string_view name) {
  std::string spaced = absl::AsciiStrToLower(name);
  for (char& c : spaced) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = ' ';
  }
  std::vector<std::string> words = absl::StrSplit(spaced, ' ', absl::SkipEmpty());
  const size_t count = words.size();
  for (size_t i = 0; i + 1 < count; ++i) {
    if (words[i] == "p") words.push_back("p" + words[i + 1]);
  }
  return words;
}

absl::StatusOr<int> FindAffinity(const std::vector<std::string>& header, const std::vector<std::string>& normalized,
                                 const std::vector<std::vector<std::string>>& sample, const Columns& known) {
  std::vector<int> named;
  std::vector<int> numeric;
  for (int i = 0; i < static_cast<int>(header.size()); ++i) {
    const size_t index = static_cast<size_t>(i);
    if (i == known.smiles || i == known.sequence || i == known.split) continue;
    if (i == known.unit || i == known.features) continue;
    if (Contains(AffinityNames(), normalized[index]) || absl::StrContains(normalized[index], "kibascore")) {
      named.push_back(i);
    } else if (!IsBookkeeping(header[index], normalized[index]) && IsNumeric(sample, index)) {
      numeric.push_back(i);
    }
  }
  const std::vector<int>& candidates = named.empty() ? numeric : named;
  if (candidates.size() == 1) return candidates.front();
  if (candidates.empty()) return MissingColumn("affinity", header, "say which it is with affinity_column");
  return WithReason(absl::InvalidArgumentError(
                        absl::StrCat("several columns may hold the affinity: ", Show(Select(header, candidates)),
                                     "; say which it is with affinity_column")),
                    "AMBIGUOUS_COLUMN");
}

}  // namespace

absl::StatusOr<Columns> FindColumns(const std::vector<std::string>& header,
                                    const std::vector<std::vector<std::string>>& sample, const ColumnRequest& request) {
  const std::vector<std::string> normalized = NormalizeAll(header);
  Columns columns;
  DBN_ASSIGN_OR_RETURN(columns.smiles, FindByNames(header, SmilesColumnNames(), "SMILES"));
  DBN_ASSIGN_OR_RETURN(columns.sequence, FindByNames(header, SequenceColumnNames(), "sequence"));
  columns.unit = FindColumn(header, UnitColumnNames());
  columns.features = FindColumn(header, FeatureColumnNames());
  if (!request.split_column.empty()) {
    DBN_ASSIGN_OR_RETURN(columns.split, FindRequested(header, normalized, request.split_column, "split_column"));
  }
  if (request.affinity_column.empty()) {
    DBN_ASSIGN_OR_RETURN(columns.affinity, FindAffinity(header, normalized, sample, columns));
  } else {
    DBN_ASSIGN_OR_RETURN(columns.affinity,
                         FindRequested(header, normalized, request.affinity_column, "affinity_column"));
  }
  return columns;
}

std::string GuessAffinityUnit(absl::string_view column_name) {
  static const auto* units = new std::vector<std::pair<absl::string_view, absl::string_view>>{
      {"pkd", "pKd"}, {"pki", "pKi"}, {"pic50", "pIC50"}, {"pec50", "pEC50"}, {"nm", "nM"},
      {"kdnm", "nM"}, {"kinm", "nM"}, {"ic50nm", "nM"},   {"ec50nm", "nM"}};
  if (absl::StrContains(NormalizeColumnName(column_name), "kiba")) return "KIBA";
  const std::vector<std::string> words = WordsOf(column_name);
  for (const auto& [word, unit] : *units) {
    if (std::find(words.begin(), words.end(), word) != words.end()) return std::string(unit);
  }
  return "";
}

}  // namespace deepbindnet
