// A data set as DeepDTA publishes it: a folder of molecules, proteins, a matrix of affinities and, perhaps, folds.
#ifndef DEEPBINDNET_CORE_CSV_DEEPDTA_FOLDER_H_
#define DEEPBINDNET_CORE_CSV_DEEPDTA_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/csv/csv_reader.h"

namespace deepbindnet {

// Name of the column of folds, whose values are `0`, `1`, ... for the training folds and `test`.
inline constexpr char kFoldColumn[] = "fold";

// Largest file of molecules, of proteins and of folds, which are read whole.
inline constexpr int64_t kMaxFolderFileBytes = int64_t{64} << 20;

// Whether `folder` has the folder of folds, and its table therefore the column.
bool HasFolds(const std::string& folder);

// Reads the folder (docs/formats/deepdta.md) as the CSV file that it stands for: a header, then a row for each measured
// cell of the matrix, row by row, with the columns CHEMBLID, ProteinID, compound_iso_smiles, target_sequence, the
// affinity (of the name `Ki  Kd and IC50  (KIBA Score)`, `pKd` or `affinity`) and, where there are folds, `fold`. Lines
// are those of that file. Davis's Kd in nM become pKd = -log10(Kd / 1e9).
//
// INVALID_ARGUMENT, also from Next(), names the file, the line and value at fault and what would be right: a file that
// is missing, of another shape than the others, too large or no JSON; a cell that is no number; a pickled matrix (`Y`),
// which is never read; folds that do not name every measured cell once.
absl::StatusOr<std::unique_ptr<CsvReader>> OpenDeepDtaFolder(const std::string& folder);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_DEEPDTA_FOLDER_H_
