#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/data/processed_dataset.h"
#include "core/inference/evaluate.h"
#include "server/worker/commands.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string checkpoint;
  std::string data_dir;
  std::string split = "test";
  std::string predictions;
};

// The names of the input's columns, so that the file can be read back as one. Canonical SMILES and sequences need no
// quotes.
absl::Status WritePredictions(const Options& options, Part part, const Evaluation& evaluation) {
  DBN_ASSIGN_OR_RETURN(const ProcessedDataset dataset, LoadProcessedDataset(options.data_dir, {part}));
  std::string csv = "row,compound_iso_smiles,target_sequence,measured,predicted\n";
  for (size_t i = 0; i < evaluation.predicted.size(); ++i) {
    absl::StrAppend(&csv, evaluation.pairs.row[i], ",",
                    dataset.molecules[static_cast<size_t>(evaluation.pairs.drug[i])].canonical_smiles, ",",
                    dataset.proteins[static_cast<size_t>(evaluation.pairs.target[i])].sequence, ",",
                    absl::StrFormat("%.9g,%.9g\n", evaluation.pairs.affinity[i], evaluation.predicted[i]));
  }
  return WriteFileAtomically(options.predictions, csv);
}

int Run(const Options& options, Console* console) {
  HandleStopSignals(OnStop::kExit);
  const Part part = options.split == "val" ? Part::kVal : Part::kTest;
  const auto evaluation = Evaluate(options.checkpoint, options.data_dir, part);
  if (!evaluation.ok()) return console->Fail(evaluation.status());
  if (!options.predictions.empty()) {
    if (const absl::Status written = WritePredictions(options, part, *evaluation); !written.ok()) {
      return console->Fail(written);
    }
  }
  const std::string& unit = evaluation->affinity_unit;
  console->Line(absl::StrFormat("%s model on %d %s pairs%s", evaluation->model_type, evaluation->metrics.pairs,
                                options.split, unit.empty() ? "" : absl::StrCat(", in ", unit)));
  for (const auto& [name, value] : NamedMetrics(evaluation->metrics)) {
    console->Line(absl::StrFormat("%-9s %.4f", name, value));
  }
  Json object = {{"state", "SUCCEEDED"},  {"split", options.split},       {"model_type", evaluation->model_type},
                 {"affinity_unit", unit}, {"digest", evaluation->digest}, {"pairs", evaluation->metrics.pairs}};
  object.update(MetricsJson(evaluation->metrics));
  console->Object(object);
  return kDone;
}

}  // namespace

void AddEvaluateCommand(CLI::App* app, Action* action) {
  CLI::App* const command = app->add_subcommand("evaluate", "Measure a checkpoint on one part of a data set");
  const auto options = std::make_shared<Options>();
  command->add_option("--checkpoint", options->checkpoint, "best_model.pt or another checkpoint")
      ->required()
      ->type_name("FILE");
  command->add_option("--data-dir", options->data_dir, "Directory that preprocess wrote")->required()->type_name("DIR");
  command->add_option("--split", options->split, "Part to measure on: test or val [test]")
      ->check(CLI::IsMember({"test", "val"}))
      ->type_name("test|val");
  command->add_option("--predictions", options->predictions, "CSV file to write, a line for each pair")
      ->type_name("FILE");
  command->callback([options, action] { *action = [options](Console* console) { return Run(*options, console); }; });
}

}  // namespace deepbindnet
