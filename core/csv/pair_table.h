// A CSV file of pairs to predict, and the table that is written of the predictions: the client's and the worker's.
#ifndef DEEPBINDNET_CORE_CSV_PAIR_TABLE_H_
#define DEEPBINDNET_CORE_CSV_PAIR_TABLE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/csv/csv_reader.h"

namespace deepbindnet {

struct PairRow {
  int64_t line = 0;                 // Of the file, from 1, where the row begins.
  std::vector<std::string> fields;  // As many as the header has.
  absl::Status status;              // INVALID_ARGUMENT where the row has more or fewer, and so no pair.
};

// Not thread-safe; blocks on the file system.
class PairTable {
 public:
  // Opens a plain or gzipped file with a header that names a molecule's and a protein's column. NOT_FOUND where there
  // is no such file, INVALID_ARGUMENT naming it where it has no header or lacks such a column.
  static absl::StatusOr<std::unique_ptr<PairTable>> Open(const std::string& path);

  // Reads the next row; false at the end. INVALID_ARGUMENT naming file and line where the file is damaged or cut off,
  // and at the end of a file without rows.
  absl::StatusOr<bool> Next(PairRow* row);

  // Of a row whose status is OK.
  const std::string& Smiles(const PairRow& row) const { return row.fields[smiles_]; }
  const std::string& Sequence(const PairRow& row) const { return row.fields[sequence_]; }
  // Empty where the table has no column of ids.
  std::string ProteinId(const PairRow& row) const { return id_ < 0 ? "" : row.fields[static_cast<size_t>(id_)]; }

  // Lines of the table of predictions, with their line ends: the columns of this one, without those that an earlier
  // prediction wrote, then predicted_affinity (nine significant digits, more than a float32 model has), predicted_unit
  // and prediction_error, the message of an affinity that is an error.
  std::string OutputHeader() const;
  std::string OutputLine(const PairRow& row, const absl::StatusOr<double>& affinity, const std::string& unit) const;

 private:
  PairTable(std::string path, std::unique_ptr<CsvReader> reader) : path_(std::move(path)), reader_(std::move(reader)) {}

  absl::Status ReadHeader();
  std::vector<std::string> Kept(const std::vector<std::string>& fields) const;
  absl::Status Error(absl::string_view problem) const;

  const std::string path_;
  const std::unique_ptr<CsvReader> reader_;
  CsvRow header_;
  size_t smiles_ = 0, sequence_ = 0;  // Columns.
  int id_ = -1;                       // Likewise, of the protein; -1 where there is none.
  std::vector<size_t> kept_;          // The columns that are not written anew.
  bool has_rows_ = false;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_PAIR_TABLE_H_
