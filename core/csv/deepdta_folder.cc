#include "core/csv/deepdta_folder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/text.h"
#include "core/csv/folds.h"
#include "core/csv/json_texts.h"
#include "core/csv/whole_file.h"

namespace deepbindnet {
namespace {

namespace fs = std::filesystem;

constexpr char kDrugsFile[] = "ligands_can.txt";
constexpr char kTargetsFile[] = "proteins.txt";
constexpr char kPickledMatrix[] = "Y";
constexpr absl::string_view kFolderRemedy =
    "a DeepDTA folder has ligands_can.txt and proteins.txt (JSON objects of id and text), a matrix of affinities and, "
    "perhaps, folds/";
constexpr int64_t kMostCellBytes = 64;  // Of the text of a cell, the space behind it included.
constexpr size_t kShownCharacters = 40;

// How the matrix of a published data set is called, and what it holds.
struct Matrix {
  std::string file;
  std::string column;      // Name of the affinity's column.
  bool nm_to_pkd = false;  // The cells are Kd in nM, and the column pKd.
};

const std::array<Matrix, 2>& PublishedMatrices() {
  static const auto* matrices =
      new std::array<Matrix, 2>{{{"kiba_binding_affinity_v2.txt", "Ki  Kd and IC50  (KIBA Score)", false},
                                 {"drug-target_interaction_affinities_Kd__Davis_et_al.2011v1.txt", "pKd", true}}};
  return *matrices;
}

std::string PathOf(const std::string& folder, absl::string_view file) { return absl::StrCat(folder, "/", file); }

// A text file of the folder that may be a matrix: not one of those that DeepDTA publishes beside it.
bool MayBeMatrix(const std::string& file) {
  const std::string name = absl::AsciiStrToLower(file);
  return absl::EndsWith(name, ".txt") && name != kTargetsFile && !absl::StartsWith(name, "ligands") &&
         !absl::StartsWith(name, "readme") && !absl::StrContains(name, "_sim") && !absl::StrContains(name, "similarit");
}

absl::StatusOr<Matrix> FindMatrix(const std::string& folder) {
  std::vector<Matrix> found;
  std::error_code error;
  for (const Matrix& matrix : PublishedMatrices()) {
    if (fs::exists(PathOf(folder, matrix.file), error)) found.push_back(matrix);
  }
  if (found.empty()) {
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file(error) && MayBeMatrix(name)) found.push_back({name, "affinity", false});
    }
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    std::vector<std::string> names;
    for (const Matrix& matrix : found) names.push_back(matrix.file);
    std::sort(names.begin(), names.end());
    return absl::InvalidArgumentError(absl::StrCat(folder, ": several files may be the matrix of affinities: ",
                                                   absl::StrJoin(names, ", "), "; leave one of them there"));
  }
  std::string message = absl::StrCat(folder, ": has no matrix of affinities");
  if (fs::exists(PathOf(folder, kPickledMatrix), error)) {
    absl::StrAppend(&message, " as text; Y is a pickle, which is never read because it can run code");
  }
  return absl::InvalidArgumentError(
      absl::StrCat(message, "; put ", PublishedMatrices()[0].file, " or ", PublishedMatrices()[1].file,
                   " there, or affinity.txt with a line for each molecule and a number or nan for each protein"));
}

absl::StatusOr<JsonTexts> ReadTexts(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(const std::string json, ReadWholeFile(path, kMaxFolderFileBytes, kFolderRemedy));
  auto texts = ParseJsonTexts(json);
  if (!texts.ok()) return Annotate(texts.status(), path);
  return texts;
}

// One line of the matrix at a time: memory holds the texts, the folds and that line.
class FolderReader : public CsvReader {
 public:
  FolderReader(JsonTexts drugs, JsonTexts targets, std::optional<Folds> folds, Matrix matrix, std::string matrix_path)
      : drugs_(std::move(drugs)),
        targets_(std::move(targets)),
        folds_(std::move(folds)),
        matrix_(std::move(matrix)),
        path_(std::move(matrix_path)) {}

  // Must be called once, before Next().
  absl::Status Start() {
    std::error_code error;
    bytes_total_ = static_cast<int64_t>(fs::file_size(path_, error));
    file_.open(path_, std::ios::binary);
    if (error || !file_) return absl::InvalidArgumentError(absl::StrCat(path_, ": cannot be read"));
    const auto cells = static_cast<int64_t>(drugs_.size() * targets_.size());
    if (bytes_total_ / kMostCellBytes <= cells) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": has ", bytes_total_, " bytes, too many for the affinities of ", drugs_.size(), " molecules and ",
        targets_.size(), " proteins; give a line for each molecule, with a number or nan for each protein"));
  }

  absl::StatusOr<bool> Next(CsvRow* row) override {
    row->ends_with_newline = true;
    row->line = ++line_;
    if (line_ == 1) {
      row->fields = {"CHEMBLID", "ProteinID", "compound_iso_smiles", "target_sequence", matrix_.column};
      if (folds_) row->fields.emplace_back(kFoldColumn);
      return true;
    }
    while (true) {
      for (; target_ < cells_.size(); ++target_) {
        DBN_ASSIGN_OR_RETURN(const double value, ReadCell());
        if (!std::isnan(value)) return GiveRow(value, row);
      }
      DBN_ASSIGN_OR_RETURN(const bool more, ReadLine());
      if (!more) return EndOfMatrix();
    }
  }

  int64_t bytes_read() const override { return bytes_read_; }
  int64_t bytes_total() const override { return bytes_total_; }

 private:
  absl::Status Error(absl::string_view problem) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": line ", matrix_line_, ": ", problem));
  }

  // The next molecule's cells; false at the end of the file.
  absl::StatusOr<bool> ReadLine() {
    if (!std::getline(file_, text_)) return false;
    ++matrix_line_;
    bytes_read_ += static_cast<int64_t>(text_.size()) + 1;
    cells_ = absl::StrSplit(text_, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    target_ = 0;
    const bool is_surplus = matrix_line_ > static_cast<int64_t>(drugs_.size());
    if (is_surplus && cells_.empty()) return true;  // An empty line at the end.
    if (is_surplus) {
      return Error(absl::StrCat("is one more than the ", drugs_.size(), " molecules of ", kDrugsFile,
                                "; give a line for each molecule"));
    }
    if (cells_.size() == targets_.size()) return true;
    return Error(absl::StrCat("has ", cells_.size(), " values for the ", targets_.size(), " proteins of ", kTargetsFile,
                              "; give a number or nan for each protein"));
  }

  // NaN where the pair was not measured.
  absl::StatusOr<double> ReadCell() const {
    const absl::string_view cell = cells_[target_];
    double value = 0.0;
    const bool is_number = absl::SimpleAtod(cell, &value) && !std::isinf(value);
    if (is_number && !(matrix_.nm_to_pkd && value <= 0.0)) return value;
    return Error(absl::StrCat("value ", target_ + 1, ", '", ShowText(cell, kShownCharacters), "', is no ",
                              is_number ? "Kd in nM: it is not above 0" : "number and not nan",
                              "; correct it, or write nan where nothing was measured"));
  }

  absl::StatusOr<bool> GiveRow(double value, CsvRow* row) {
    const auto& [drug_id, smiles] = drugs_[static_cast<size_t>(matrix_line_ - 1)];
    const auto& [target_id, sequence] = targets_[target_];
    row->fields.resize(folds_ ? 6 : 5);
    row->fields[0] = drug_id;
    row->fields[1] = target_id;
    row->fields[2] = smiles;
    row->fields[3] = sequence;
    // 17 digits read back as the same number.
    row->fields[4] =
        matrix_.nm_to_pkd ? absl::StrFormat("%.17g", -std::log10(value / 1e9)) : std::string(cells_[target_]);
    if (folds_) {
      if (pairs_ == folds_->of_cell.size()) {
        return Error(absl::StrCat("has a measured cell that no fold names: the folds have ", folds_->of_cell.size(),
                                  "; give folds of this matrix, or take the folder of folds away"));
      }
      row->fields[5] = folds_->labels[static_cast<size_t>(folds_->of_cell[pairs_])];
    }
    ++pairs_;
    ++target_;
    return true;
  }

  absl::StatusOr<bool> EndOfMatrix() const {
    if (file_.bad()) return Error("cannot be read");
    if (matrix_line_ < static_cast<int64_t>(drugs_.size())) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": has ", matrix_line_, " lines for the ", drugs_.size(),
                                                     " molecules of ", kDrugsFile, "; give a line for each molecule"));
    }
    if (folds_ && pairs_ < folds_->of_cell.size()) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": has ", pairs_, " measured cells, and the folds name ",
                                                     folds_->of_cell.size(),
                                                     "; give folds of this matrix, or take the folder of folds away"));
    }
    return false;
  }

  const JsonTexts drugs_;    // Id and SMILES.
  const JsonTexts targets_;  // Id and sequence.
  const std::optional<Folds> folds_;
  const Matrix matrix_;
  const std::string path_;  // Of the matrix.
  std::ifstream file_;
  int64_t bytes_read_ = 0;
  int64_t bytes_total_ = 0;
  int64_t line_ = 0;         // Of the table, given last.
  int64_t matrix_line_ = 0;  // Read last.
  std::string text_;         // Of that line.
  std::vector<absl::string_view> cells_;
  size_t target_ = 0;  // Of the next cell.
  size_t pairs_ = 0;   // Given so far.
};

}  // namespace

bool HasFolds(const std::string& folder) {
  std::error_code error;
  return fs::is_directory(PathOf(folder, "folds"), error);
}

absl::StatusOr<std::unique_ptr<CsvReader>> OpenDeepDtaFolder(const std::string& folder) {
  DBN_ASSIGN_OR_RETURN(JsonTexts drugs, ReadTexts(PathOf(folder, kDrugsFile)));
  DBN_ASSIGN_OR_RETURN(JsonTexts targets, ReadTexts(PathOf(folder, kTargetsFile)));
  DBN_ASSIGN_OR_RETURN(Matrix matrix, FindMatrix(folder));
  std::optional<Folds> folds;
  if (HasFolds(folder)) {
    DBN_ASSIGN_OR_RETURN(folds, ReadFolds(PathOf(folder, "folds")));
  }
  std::string path = PathOf(folder, matrix.file);
  auto reader = std::make_unique<FolderReader>(std::move(drugs), std::move(targets), std::move(folds),
                                               std::move(matrix), std::move(path));
  DBN_RETURN_IF_ERROR(reader->Start());
  return reader;
}

}  // namespace deepbindnet
