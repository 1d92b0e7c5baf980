#include "core/csv/table.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/csv/column_names.h"
#include "core/csv/deepdta_folder.h"
#include "core/csv/feature_text.h"
#include "core/csv/protein_features.h"

namespace deepbindnet {
namespace {

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// The table of `inner` with the column of vectors behind its own.
class FeatureColumnReader : public CsvReader {
 public:
  FeatureColumnReader(std::unique_ptr<CsvReader> inner, ProteinFeatures features, std::string path)
      : inner_(std::move(inner)), features_(std::move(features)), path_(std::move(path)) {}

  absl::StatusOr<bool> Next(CsvRow* row) override {
    DBN_ASSIGN_OR_RETURN(const bool more, inner_->Next(row));
    if (!more) return false;
    if (!has_header_) {
      DBN_RETURN_IF_ERROR(AddToHeader(row));
    } else if (row->fields.size() == columns_) {
      row->fields.push_back(FeaturesOf(*row));
    } else {
      row->fields.emplace_back();
    }
    return true;
  }

  int64_t bytes_read() const override { return inner_->bytes_read(); }
  int64_t bytes_total() const override { return inner_->bytes_total(); }

 private:
  absl::Status AddToHeader(CsvRow* header) {
    if (FindColumn(header->fields, FeatureColumnNames()) >= 0) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": has a column ", kFeatureColumn,
                                                     " already; leave out the file of vectors or the column"));
    }
    has_header_ = true;
    columns_ = header->fields.size();
    sequence_ = FindColumn(header->fields, SequenceColumnNames());
    id_ = FindColumn(header->fields, ProteinIdColumnNames());
    header->fields.emplace_back(kFeatureColumn);
    return absl::OkStatus();
  }

  std::string FeaturesOf(const CsvRow& row) {
    if (sequence_ < 0) return "";  // Refused where the columns are looked for.
    const std::string& sequence = row.fields[static_cast<size_t>(sequence_)];
    const std::string id = id_ < 0 ? "" : row.fields[static_cast<size_t>(id_)];
    if (!seen_.emplace(sequence, id).second) return "";
    const std::vector<float>* found = features_.Find(sequence, id);
    return found == nullptr ? "" : FormatFeatures(*found);
  }

  const std::unique_ptr<CsvReader> inner_;
  const ProteinFeatures features_;
  const std::string path_;
  bool has_header_ = false;
  size_t columns_ = 0;  // Of inner_.
  int sequence_ = -1;
  int id_ = -1;
  absl::flat_hash_set<std::pair<std::string, std::string>> seen_;  // Sequences with ids.
};

}  // namespace

absl::StatusOr<std::unique_ptr<CsvReader>> OpenTable(const std::string& path, const std::string& protein_features) {
  DBN_ASSIGN_OR_RETURN(std::unique_ptr<CsvReader> table,
                       IsFolder(path) ? OpenDeepDtaFolder(path) : CsvReader::Open(path));
  if (protein_features.empty()) return table;
  DBN_ASSIGN_OR_RETURN(ProteinFeatures features, ProteinFeatures::Read(protein_features));
  return std::make_unique<FeatureColumnReader>(std::move(table), std::move(features), path);
}

std::string GivenSplitColumn(const std::string& path) { return IsFolder(path) && HasFolds(path) ? kFoldColumn : ""; }

std::string TableName(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::absolute(path).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

}  // namespace deepbindnet
