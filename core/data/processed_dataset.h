// A data set that is ready to train on: every distinct molecule and protein once, pairs that refer to them by index,
// and the scaler. On disk (docs/formats/processed.md) it is a directory of
//   entities.pt, train_data.pt, val_data.pt, test_data.pt, scaler_params.pt   readable with Python's torch.load
//   manifest.json                                                             counts, split, leakage, unit, digest
//   rejected.csv                                                              rows left out, with line and reason
#ifndef DEEPBINDNET_CORE_DATA_PROCESSED_DATASET_H_
#define DEEPBINDNET_CORE_DATA_PROCESSED_DATASET_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/chem/molecular_graph.h"
#include "core/data/affinity_direction.h"
#include "core/data/scaler.h"
#include "core/data/split.h"

namespace deepbindnet {

// Measured pairs of one part, as parallel columns.
struct PairTable {
  int64_t size() const { return static_cast<int64_t>(affinity.size()); }

  // The pairs [begin, end), with 0 <= begin <= end <= size().
  PairTable Slice(int64_t begin, int64_t end) const;

  std::vector<int32_t> drug;     // Index into ProcessedDataset::molecules.
  std::vector<int32_t> target;   // Index into ProcessedDataset::proteins.
  std::vector<double> affinity;  // In the affinity's unit.
  std::vector<int64_t> row;      // Data row of the input, from 1 (the first of merged rows).
};

struct MoleculeEntry {
  std::string canonical_smiles;
  MolecularGraph graph;
};

struct ProteinEntry {
  std::string sequence;
  std::vector<uint8_t> tokens;       // [residues], see core/chem/protein.h
  std::vector<float> features = {};  // [protein_feature_dim], supplied by the user; empty without
};

// What manifest.json says; every count is of rows, pairs or distinct entities.
struct DatasetManifest {
  std::string source;         // File name as given, without directories.
  std::string affinity_unit;  // For example "KIBA", "pKd"; empty where unknown.
  AffinityDirection affinity_direction = AffinityDirection::kUnknown;
  SplitOptions split;
  std::map<std::string, int64_t> split_labels;  // Rows with an affinity by what the split column says; may be empty.
  int64_t rows_read = 0;
  int64_t rows_rejected = 0;
  int64_t duplicates_merged = 0;
  int64_t pairs_dropped = 0;  // By the cold_both split: pairs with one side in train and the other not.
  int64_t drugs = 0;
  int64_t targets = 0;
  int64_t protein_feature_dim = 0;  // Of each protein's vector; 0 without.
  int64_t train_pairs = 0;
  int64_t val_pairs = 0;
  int64_t test_pairs = 0;
  int64_t test_pairs_in_train = 0;    // Leakage: test pairs whose (drug, target) stands in train.
  int64_t test_drugs_in_train = 0;    // Leakage: distinct test drugs that stand in train.
  int64_t test_targets_in_train = 0;  // Leakage: distinct test targets that stand in train.
  std::string digest;  // SHA-256 (hex) over the contents of the .pt files, independent of paths and times.
};

struct ProcessedDataset {
  std::vector<MoleculeEntry> molecules;
  std::vector<ProteinEntry> proteins;
  PairTable train;
  PairTable val;
  PairTable test;  // Read once, by the final evaluation.
  Scaler scaler;   // Of train.
  DatasetManifest manifest;
};

// Removes manifest.json where there is one: the directory holds no data set until the next is saved.
absl::Status RemoveManifest(const std::string& directory);

// Writes every file atomically, manifest.json last: a directory without it is no data set. Fills manifest.digest.
// Removes what a writer that was killed left in the directory: nobody else may write there.
absl::Status SaveProcessedDataset(const std::string& directory, ProcessedDataset* dataset);

// Reads the entities, the scaler, the manifest and the given parts; other parts stay empty. NOT_FOUND where the
// directory holds no data set; INVALID_ARGUMENT where a file is damaged, of another feature version, or an index is out
// of range; the message names the file.
absl::StatusOr<ProcessedDataset> LoadProcessedDataset(const std::string& directory, const std::vector<Part>& parts);

// manifest.json alone.
absl::StatusOr<DatasetManifest> LoadManifest(const std::string& directory);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_PROCESSED_DATASET_H_
