// A table as rows of numbers: every distinct SMILES and sequence text once, affinities, parts. Nothing is
// featurised yet.
#ifndef DEEPBINDNET_CORE_DATA_RAW_TABLE_H_
#define DEEPBINDNET_CORE_DATA_RAW_TABLE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/columns.h"
#include "core/data/split.h"
#include "core/data/split_labels.h"

namespace deepbindnet {

struct RawRow {
  int32_t smiles = 0;        // Index into RawTable::smiles.
  int32_t sequence = 0;      // Index into RawTable::sequences.
  int64_t line = 0;          // Of the file, from 1.
  int64_t row = 0;           // Data row, from 1.
  double affinity = 0.0;     // In [-1e15, 1e15].
  Part part = Part::kTrain;  // What the split column says; kTrain without one.
};

struct RejectedRow {
  int64_t line = 0;
  int64_t row = 0;
  std::string reason;
};

struct RawTable {
  std::vector<std::string> smiles;     // Distinct, in order of first appearance, as written.
  std::vector<std::string> sequences;  // Distinct, in order of first appearance, as written.
  std::vector<RawRow> rows;
  std::vector<RejectedRow> rejected;         // Wrong number of fields, no affinity in range.
  int64_t rows_read = 0;                     // rows + rejected.
  std::string affinity_name;                 // Of the affinity's column.
  std::string unit;                          // What the unit's column says in every row; empty without one.
  bool has_features = false;                 // There is a column of vectors.
  std::vector<std::vector<float>> features;  // Parallel to sequences, all of one dimension; empty where none stands.
  LabelCounts split_labels;                  // Of `rows`; empty without a split column.
};

// Called now and then with the file's bytes read so far and its size.
using ReadProgress = std::function<void(int64_t bytes, int64_t total)>;

// Reads what OpenTable() opens. INVALID_ARGUMENT where that cannot be read, has no header or lacks a column, or ends in
// the middle of a row; where its rows are in several units (reason MIXED_UNITS); where a protein's vector is no list of
// finite numbers, has another dimension than those before it, or differs from one of the same sequence. A row whose
// number of fields differs from the header's, or whose affinity is no number in range, is rejected.
absl::StatusOr<RawTable> ReadRawTable(const std::string& path, const std::string& protein_features,
                                      const ColumnRequest& request, const ReadProgress& progress);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_RAW_TABLE_H_
