#include "core/data/raw_table.h"

#include <cmath>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"
#include "core/csv/csv_reader.h"
#include "core/csv/feature_text.h"
#include "core/csv/table.h"
#include "core/data/unit_counts.h"

namespace deepbindnet {
namespace {

constexpr size_t kSampleRows = 100;
constexpr int64_t kRowsPerProgress = 4096;
constexpr size_t kShownCharacters = 40;
// Above any unit's values, and far below where the squares of the deviations overflow.
constexpr double kMostAffinity = 1e15;

// Numbers distinct texts in order of first appearance.
class Interner {
 public:
  explicit Interner(std::vector<std::string>* texts) : texts_(texts) {}

  int32_t Intern(const std::string& text) {
    const auto [entry, is_new] = index_.try_emplace(text, static_cast<int32_t>(texts_->size()));
    if (is_new) texts_->push_back(text);
    return entry->second;
  }

 private:
  std::vector<std::string>* const texts_;
  absl::flat_hash_map<std::string, int32_t> index_;
};

// "12 nM", "3%": a number with more than a number behind it. It may be in another unit than the next row's.
bool CarriesUnit(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  double ignored = 0.0;
  const char* const end = text.data() + text.size();
  const char* const behind = absl::from_chars(text.data(), end, ignored).ptr;
  if (behind == text.data() || behind == end) return false;
  const absl::string_view rest = absl::StripLeadingAsciiWhitespace(absl::string_view(behind, end - behind));
  const auto first = static_cast<unsigned char>(rest.front());
  return absl::ascii_isalpha(first) || first == '%' || first >= 0x80;
}

class TableBuilder {
 public:
  TableBuilder(const std::string& path, const Columns& columns, std::vector<std::string> header)
      : path_(path), columns_(columns), fields_(header.size()), smiles_(&table_.smiles), sequences_(&table_.sequences) {
    if (columns.unit >= 0) unit_name_ = header[static_cast<size_t>(columns.unit)];
    table_.affinity_name = std::move(header[static_cast<size_t>(columns.affinity)]);
    table_.has_features = columns.features >= 0;
  }

  // INVALID_ARGUMENT where the file ends within this row.
  absl::Status Add(const CsvRow& row) {
    ++table_.rows_read;
    if (row.fields.size() < fields_ && !row.ends_with_newline) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": line ", row.line,
                                                     ": the file ends within this row, after ", row.fields.size(),
                                                     " of ", fields_, " fields: it is cut off; give the whole file"));
    }
    if (row.fields.size() != fields_) {
      Reject(row, absl::StrCat("has ", row.fields.size(), " fields, the header has ", fields_));
      return absl::OkStatus();
    }
    double affinity = 0.0;
    const std::string& text = row.fields[static_cast<size_t>(columns_.affinity)];
    if (absl::StripAsciiWhitespace(text).empty()) {
      Reject(row, "no affinity");
    } else if (!absl::SimpleAtod(text, &affinity) || !std::isfinite(affinity)) {
      Reject(row, absl::StrCat("affinity '", ShowText(text, kShownCharacters),
                               CarriesUnit(text) ? "' carries its unit; write the number alone, in one unit for all "
                                                   "rows, and name that with affinity_unit or in a column 'unit'"
                                                 : "' is not a finite number"));
    } else if (std::abs(affinity) > kMostAffinity) {
      Reject(row, absl::StrCat("affinity '", ShowText(text, kShownCharacters), "' is out of range: its size is over ",
                               kMostAffinity));
    } else {
      return Accept(row, affinity);
    }
    return absl::OkStatus();
  }

  int64_t rows_read() const { return table_.rows_read; }

  // INVALID_ARGUMENT where the rows are in several units.
  absl::StatusOr<RawTable> Build() {
    auto unit = units_.Single(unit_name_);
    if (!unit.ok()) return Annotate(unit.status(), path_);
    table_.unit = *std::move(unit);
    table_.features.resize(table_.sequences.size());
    return std::move(table_);
  }

 private:
  void Reject(const CsvRow& row, std::string reason) {
    table_.rejected.push_back({row.line, table_.rows_read, std::move(reason)});
  }

  absl::Status Accept(const CsvRow& row, double affinity) {
    RawRow accepted;
    accepted.smiles = smiles_.Intern(row.fields[static_cast<size_t>(columns_.smiles)]);
    accepted.sequence = sequences_.Intern(row.fields[static_cast<size_t>(columns_.sequence)]);
    accepted.line = row.line;
    accepted.row = table_.rows_read;
    accepted.affinity = affinity;
    if (columns_.split >= 0) {
      const std::string& label = row.fields[static_cast<size_t>(columns_.split)];
      accepted.part = PartOfLabel(label);
      CountLabel(label, &table_.split_labels);
    }
    if (columns_.unit >= 0) units_.Add(row.fields[static_cast<size_t>(columns_.unit)], row.line);
    table_.rows.push_back(accepted);
    return table_.has_features ? AddFeatures(row, static_cast<size_t>(accepted.sequence)) : absl::OkStatus();
  }

  // An empty field says nothing: one row of a protein's is enough.
  absl::Status AddFeatures(const CsvRow& row, size_t sequence) {
    const std::string& text = row.fields[static_cast<size_t>(columns_.features)];
    if (absl::StripAsciiWhitespace(text).empty()) return absl::OkStatus();
    const auto error = [&](absl::string_view problem) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, ": line ", row.line, ": the protein's vector of features ", problem));
    };
    absl::StatusOr<std::vector<float>> features = ParseFeatures(text);
    if (!features.ok()) {
      return error(absl::StrCat("cannot be read: ", features.status().message(), "; give numbers with spaces between"));
    }
    if (feature_dim_ == 0) feature_dim_ = features->size();
    if (features->size() != feature_dim_) {
      return error(absl::StrCat("has ", features->size(), " numbers, and those before it have ", feature_dim_,
                                "; give all of one dimension"));
    }
    table_.features.resize(table_.sequences.size());
    std::vector<float>& known = table_.features[sequence];
    if (!known.empty() && known != *features) {
      return error("differs from the one that an earlier row gives the same sequence; give each sequence one");
    }
    known = *std::move(features);
    return absl::OkStatus();
  }

  const std::string& path_;
  const Columns columns_;
  const size_t fields_;    // Of the header.
  std::string unit_name_;  // Of the unit's column.
  UnitCounts units_;
  size_t feature_dim_ = 0;  // Of the vectors so far; 0 before the first.
  RawTable table_;
  Interner smiles_;
  Interner sequences_;
};

}  // namespace

absl::StatusOr<RawTable> ReadRawTable(const std::string& path, const std::string& protein_features,
                                      const ColumnRequest& request, const ReadProgress& progress) {
  DBN_ASSIGN_OR_RETURN(const std::unique_ptr<CsvReader> reader, OpenTable(path, protein_features));
  CsvRow header;
  DBN_ASSIGN_OR_RETURN(bool more, reader->Next(&header));
  if (!more) return absl::InvalidArgumentError(absl::StrCat(path, ": is empty; give a CSV file with a header"));

  std::vector<CsvRow> sample;
  std::vector<std::vector<std::string>> sample_fields;
  CsvRow row;
  while (sample.size() < kSampleRows) {
    DBN_ASSIGN_OR_RETURN(more, reader->Next(&row));
    if (!more) break;
    sample.push_back(row);
    sample_fields.push_back(row.fields);
  }
  auto columns = FindColumns(header.fields, sample_fields, request);
  if (!columns.ok()) return Annotate(columns.status(), path);

  TableBuilder builder(path, *columns, std::move(header.fields));
  for (const CsvRow& sampled : sample) DBN_RETURN_IF_ERROR(builder.Add(sampled));
  while (more) {
    DBN_ASSIGN_OR_RETURN(more, reader->Next(&row));
    if (more) DBN_RETURN_IF_ERROR(builder.Add(row));
    if (builder.rows_read() % kRowsPerProgress == 0) progress(reader->bytes_read(), reader->bytes_total());
  }
  progress(reader->bytes_total(), reader->bytes_total());
  if (builder.rows_read() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has a header but no rows; give a row for each measured pair"));
  }
  return builder.Build();
}

}  // namespace deepbindnet
