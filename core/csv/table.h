// What preprocessing takes as a table: a CSV file or a DeepDTA folder, with vectors of the proteins where there are
// some.
#ifndef DEEPBINDNET_CORE_CSV_TABLE_H_
#define DEEPBINDNET_CORE_CSV_TABLE_H_

#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/csv/csv_reader.h"

namespace deepbindnet {

// Opens a CSV file, or a folder as OpenDeepDtaFolder() does. Where `protein_features` is not empty, it names a file of
// vectors, as ProteinFeatures::Read() takes it, and the table has one more column, `protein_features`: the vector of
// the row's protein in the first row of each sequence and id, nothing in the others and where the file has none for it.
// INVALID_ARGUMENT names the file at fault, NOT_FOUND a CSV file that is not there; a table that already has such a
// column takes no further vectors.
absl::StatusOr<std::unique_ptr<CsvReader>> OpenTable(const std::string& path, const std::string& protein_features);

// The column of parts that the table at `path` brings along, which decides the split unless the user says otherwise:
// that of a folder's folds; else empty.
std::string GivenSplitColumn(const std::string& path);

// The last part of `path`, also of a folder's that ends in `/`.
std::string TableName(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_TABLE_H_
