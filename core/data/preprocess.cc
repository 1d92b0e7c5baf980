#include "core/data/preprocess.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/csv_field.h"
#include "core/base/file.h"
#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/chem/scaffold.h"
#include "core/csv/table.h"
#include "core/data/entity_features.h"
#include "core/data/pairs.h"
#include "core/data/parallel.h"
#include "core/data/raw_table.h"
#include "core/data/split_assignment.h"
#include "core/data/split_labels.h"

namespace deepbindnet {
namespace {

constexpr int64_t kEntitiesPerProgress = 32;

// Texts parsed, parallel to RawTable::smiles and RawTable::sequences.
struct ParsedTexts {
  std::vector<absl::StatusOr<Molecule>> molecules;
  std::vector<absl::StatusOr<Protein>> proteins;
};

// The entities and pairs of the rows that can be used, before the split.
struct Table {
  std::vector<MoleculeEntry> molecules;
  std::vector<ProteinEntry> proteins;
  PairTable pairs;
  std::vector<Part> parts;  // Parallel to pairs.
};

absl::Status ValidateOptions(const PreprocessOptions& options) {
  DBN_RETURN_IF_ERROR(ValidateSplitOptions(options.split));
  if (options.max_rejected >= 0.0 && options.max_rejected <= 1.0) return absl::OkStatus();
  return InvalidField("max_rejected", absl::StrCat(options.max_rejected),
                      "is not in [0, 1]; give a share, for example 0.05");
}

ParsedTexts ParseTexts(const RawTable& raw, const PreprocessProgress& progress) {
  ParsedTexts parsed;
  parsed.molecules.resize(raw.smiles.size());
  const auto total = static_cast<int64_t>(raw.smiles.size());
  int64_t reported = 0;
  ParallelFor(
      total,
      [&](int64_t i) { parsed.molecules[static_cast<size_t>(i)] = ParseSmiles(raw.smiles[static_cast<size_t>(i)]); },
      [&](int64_t done) {
        if (done < total && done - reported < kEntitiesPerProgress) return;
        reported = done;
        progress("featurising", done, total);
      });
  for (const std::string& sequence : raw.sequences) parsed.proteins.push_back(ParseSequence(sequence));
  return parsed;
}

// Numbers entities by their canonical text, in order of the first row that uses them. -1: not used yet.
class EntityIndex {
 public:
  explicit EntityIndex(size_t texts) : of_text_(texts, -1) {}

  // `make` is called with the entity's number where the entity is new.
  template <typename Make>
  int32_t Get(int32_t text, const std::string& canonical, Make make) {
    int32_t& number = of_text_[static_cast<size_t>(text)];
    if (number >= 0) return number;
    const auto [entry, is_new] = numbers_.try_emplace(canonical, static_cast<int32_t>(numbers_.size()));
    if (is_new) make();
    return number = entry->second;
  }

 private:
  std::vector<int32_t> of_text_;
  absl::flat_hash_map<std::string, int32_t> numbers_;
};

// Rows whose molecule or protein is at fault move to `rejected`; any other error ends the work.
absl::StatusOr<Table> MakeTable(const RawTable& raw, const ParsedTexts& parsed, std::vector<RejectedRow>* rejected) {
  Table table;
  EntityIndex drugs(raw.smiles.size());
  EntityIndex targets(raw.sequences.size());
  for (const RawRow& row : raw.rows) {
    const absl::StatusOr<Molecule>& molecule = parsed.molecules[static_cast<size_t>(row.smiles)];
    const absl::StatusOr<Protein>& protein = parsed.proteins[static_cast<size_t>(row.sequence)];
    const absl::Status status = molecule.ok() ? protein.status() : molecule.status();
    if (!status.ok()) {
      if (!absl::IsInvalidArgument(status)) return Annotate(status, absl::StrCat("line ", row.line));
      rejected->push_back({row.line, row.row, absl::StrCat(GetReason(status), ": ", status.message())});
      continue;
    }
    table.pairs.drug.push_back(drugs.Get(row.smiles, molecule->canonical_smiles, [&] {
      table.molecules.push_back({molecule->canonical_smiles, molecule->graph});
    }));
    table.pairs.target.push_back(targets.Get(row.sequence, protein->sequence, [&] {
      table.proteins.push_back({protein->sequence, protein->tokens, {}});
    }));
    table.pairs.affinity.push_back(row.affinity);
    table.pairs.row.push_back(row.row);
    table.parts.push_back(row.part);
  }
  return table;
}

// The first file of the output. A data set that is there already ends here: its files must not stand beside the new
// rejected.csv as if they were one.
absl::Status WriteRejected(const std::string& path, const std::vector<RejectedRow>& rejected) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  DBN_RETURN_IF_ERROR(MakeDirectories(directory));
  DBN_RETURN_IF_ERROR(RemoveManifest(directory));
  std::string csv = "line,row,reason\n";
  for (const RejectedRow& row : rejected) {
    absl::StrAppend(&csv, row.line, ",", row.row, ",");
    AppendCsvField(row.reason, &csv);
    csv.push_back('\n');
  }
  return WriteFileAtomically(path, csv);
}

absl::Status CheckRejected(const std::string& path, const std::vector<RejectedRow>& rejected, int64_t rows_read,
                           double max_rejected) {
  const auto count = static_cast<double>(rejected.size());
  const bool all = static_cast<int64_t>(rejected.size()) == rows_read;
  if (!all && count <= max_rejected * static_cast<double>(rows_read)) return absl::OkStatus();
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat(
          rejected.size(), " of ", rows_read, " rows are rejected", all ? "" : ", more than max_rejected allows (",
          all ? "" : absl::StrCat(max_rejected, ")"), "; the first is line ", rejected.front().line, ": ",
          rejected.front().reason, "; correct the rows", all ? "" : " or raise max_rejected", "; all are in ", path)),
      "TOO_MANY_REJECTED");
}

// A split column that marks no usable test row, for example one of numbered folds, would leave the model untested
// without a word; so would rows it marks that are all rejected.
absl::Status CheckSplitColumn(const RawTable& raw, const std::vector<Part>& usable,
                              const std::vector<RejectedRow>& rejected, const std::string& column) {
  for (const Part part : {Part::kTest, Part::kVal}) {
    if (column.empty() || std::find(usable.begin(), usable.end(), part) != usable.end()) continue;
    const auto marked =
        std::find_if(raw.rows.begin(), raw.rows.end(), [part](const RawRow& row) { return row.part == part; });
    if (marked != raw.rows.end()) {
      const auto reason = std::find_if(rejected.begin(), rejected.end(),
                                       [&marked](const RejectedRow& row) { return row.row == marked->row; });
      return InvalidField("split_column", column,
                          absl::StrCat("marks ", part == Part::kTest ? "test" : "validation",
                                       " rows, but all of them are rejected; the first is line ", reason->line, ": ",
                                       reason->reason, "; correct them, or mark others"));
    }
    if (part == Part::kTest) {
      return InvalidField(
          "split_column", column,
          absl::StrCat("has no value 'test'; it has ", DescribeLabels(raw.split_labels),
                       "; write test (and val for validation) into it, or leave it out for a random split"));
    }
  }
  return absl::OkStatus();
}

// A molecule without a ring has no scaffold to share: it is a group of its own.
absl::StatusOr<std::vector<int32_t>> NumberScaffolds(const std::vector<MoleculeEntry>& molecules) {
  std::vector<absl::StatusOr<std::string>> scaffolds(molecules.size(), std::string());
  ParallelFor(
      static_cast<int64_t>(molecules.size()),
      [&](int64_t i) {
        const auto index = static_cast<size_t>(i);
        scaffolds[index] = MurckoScaffold(molecules[index].canonical_smiles);
      },
      [](int64_t) {});
  absl::flat_hash_map<std::string, int32_t> numbers;
  std::vector<int32_t> numbered;
  for (size_t i = 0; i < molecules.size(); ++i) {
    DBN_RETURN_IF_ERROR(scaffolds[i].status());
    const std::string key = scaffolds[i]->empty() ? absl::StrCat("acyclic ", i) : *scaffolds[i];
    numbered.push_back(numbers.try_emplace(key, static_cast<int32_t>(numbers.size())).first->second);
  }
  return numbered;
}

absl::StatusOr<std::vector<std::optional<Part>>> Split(const Table& table, const SplitOptions& options) {
  SplitInput input;
  input.drug = table.pairs.drug;
  input.target = table.pairs.target;
  input.given = table.parts;
  if (options.method == SplitMethod::kScaffold) {
    DBN_ASSIGN_OR_RETURN(input.drug_scaffold, NumberScaffolds(table.molecules));
  }
  return AssignSplit(input, options);
}

// Divides the pairs, fits the scaler on train and counts; takes the table's entities.
absl::StatusOr<ProcessedDataset> MakeDataset(Table table, const SplitOptions& split) {
  ProcessedDataset dataset;
  DatasetManifest& manifest = dataset.manifest;
  manifest.split = split;
  manifest.duplicates_merged = MergeDuplicates(&table.pairs, &table.parts);
  DBN_ASSIGN_OR_RETURN(const auto parts, Split(table, split));
  dataset.train = SelectPart(table.pairs, parts, Part::kTrain);
  dataset.val = SelectPart(table.pairs, parts, Part::kVal);
  dataset.test = SelectPart(table.pairs, parts, Part::kTest);
  dataset.scaler = FitScaler(dataset.train.affinity);
  dataset.molecules = std::move(table.molecules);
  dataset.proteins = std::move(table.proteins);
  manifest.drugs = static_cast<int64_t>(dataset.molecules.size());
  manifest.targets = static_cast<int64_t>(dataset.proteins.size());
  manifest.train_pairs = dataset.train.size();
  manifest.val_pairs = dataset.val.size();
  manifest.test_pairs = dataset.test.size();
  manifest.pairs_dropped = std::count(parts.begin(), parts.end(), std::nullopt);
  CountLeakage(dataset.train, dataset.test, &manifest);
  return dataset;
}

// What the user says, what the table says, what names tell, in this order.
void SetAffinity(const RawTable& raw, const PreprocessOptions& options, DatasetManifest* manifest) {
  manifest->affinity_unit = !options.affinity_unit.empty() ? options.affinity_unit
                            : !raw.unit.empty()            ? raw.unit
                                                           : GuessAffinityUnit(raw.affinity_name);
  manifest->affinity_direction = options.affinity_direction != AffinityDirection::kUnknown
                                     ? options.affinity_direction
                                     : GuessAffinityDirection(manifest->affinity_unit, raw.affinity_name);
}

}  // namespace

absl::StatusOr<DatasetManifest> Preprocess(const std::string& input_file, const std::string& output_dir,
                                           const PreprocessOptions& options, const PreprocessProgress& progress) {
  DBN_RETURN_IF_ERROR(ValidateOptions(options));
  const PreprocessProgress report = progress ? progress : [](absl::string_view, int64_t, int64_t) {};
  DBN_ASSIGN_OR_RETURN(
      RawTable raw,
      ReadRawTable(input_file, options.protein_features, {options.affinity_column, options.split.split_column},
                   [&report](int64_t done, int64_t total) { report("reading", done, total); }));
  const ParsedTexts parsed = ParseTexts(raw, report);
  std::vector<RejectedRow> rejected = std::move(raw.rejected);
  DBN_ASSIGN_OR_RETURN(Table table, MakeTable(raw, parsed, &rejected));
  std::sort(rejected.begin(), rejected.end(), [](const RejectedRow& a, const RejectedRow& b) { return a.row < b.row; });

  const std::string rejected_path = absl::StrCat(output_dir, "/rejected.csv");
  const absl::Status usable = CheckRejected(rejected_path, rejected, raw.rows_read, options.max_rejected);
  if (!usable.ok()) {
    DBN_RETURN_IF_ERROR(WriteRejected(rejected_path, rejected));
    return usable;
  }
  const absl::Status split_column = CheckSplitColumn(raw, table.parts, rejected, options.split.split_column);
  DBN_RETURN_IF_ERROR(Annotate(split_column, input_file));
  const auto feature_dim = GiveFeatures(raw, &table.proteins);
  DBN_RETURN_IF_ERROR(Annotate(feature_dim.status(), input_file));
  DBN_ASSIGN_OR_RETURN(ProcessedDataset dataset, MakeDataset(std::move(table), options.split));
  dataset.manifest.source = TableName(input_file);
  SetAffinity(raw, options, &dataset.manifest);
  dataset.manifest.protein_feature_dim = *feature_dim;
  dataset.manifest.split_labels = std::move(raw.split_labels);
  dataset.manifest.rows_read = raw.rows_read;
  dataset.manifest.rows_rejected = static_cast<int64_t>(rejected.size());
  report("writing", 0, 1);
  DBN_RETURN_IF_ERROR(WriteRejected(rejected_path, rejected));
  DBN_RETURN_IF_ERROR(SaveProcessedDataset(output_dir, &dataset));
  report("writing", 1, 1);
  return dataset.manifest;
}

}  // namespace deepbindnet
