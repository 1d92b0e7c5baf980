#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/csv/table.h"
#include "core/data/preprocess.h"
#include "core/data/split_labels.h"
#include "proto/flags/field_flags.h"
#include "server/convert/convert.h"
#include "server/worker/commands.h"
#include "server/worker/directory_lock.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string input_file;
  std::string output_dir;
  std::string protein_features;
  v1::PrepareDatasetSpec spec;
};

std::string DescribeDirection(AffinityDirection direction) {
  if (direction == AffinityDirection::kUnknown) return "which binds tighter, higher or lower, is unknown";
  return absl::StrCat(AffinityDirectionName(direction), " binds tighter");
}

void Report(const DatasetManifest& manifest, const std::string& output_dir, Console* console) {
  console->Line(absl::StrFormat("%d rows read, %d rejected, %d merged as duplicates, %d pairs dropped",
                                manifest.rows_read, manifest.rows_rejected, manifest.duplicates_merged,
                                manifest.pairs_dropped));
  console->Line(absl::StrFormat("%d drugs, %d targets; affinity in %s, %s", manifest.drugs, manifest.targets,
                                manifest.affinity_unit.empty() ? "an unknown unit" : manifest.affinity_unit,
                                DescribeDirection(manifest.affinity_direction)));
  if (manifest.protein_feature_dim > 0) {
    console->Line(absl::StrFormat("each target has a vector of %d features", manifest.protein_feature_dim));
  }
  if (!manifest.split_labels.empty()) {
    console->Line(absl::StrCat("column ", manifest.split.split_column, ": ", DescribeLabels(manifest.split_labels)));
  }
  console->Line(absl::StrFormat("pairs: %d train, %d validation, %d test (split %s)", manifest.train_pairs,
                                manifest.val_pairs, manifest.test_pairs, SplitMethodName(manifest.split.method)));
  console->Line(absl::StrFormat("test in train: %d pairs, %d drugs, %d targets", manifest.test_pairs_in_train,
                                manifest.test_drugs_in_train, manifest.test_targets_in_train));
  console->Line(absl::StrCat("written to ", output_dir));
  console->Object({{"state", "SUCCEEDED"},
                   {"output_dir", output_dir},
                   {"rows_read", manifest.rows_read},
                   {"rows_rejected", manifest.rows_rejected},
                   {"duplicates_merged", manifest.duplicates_merged},
                   {"pairs_dropped", manifest.pairs_dropped},
                   {"split_labels", manifest.split_labels},
                   {"drugs", manifest.drugs},
                   {"targets", manifest.targets},
                   {"train_pairs", manifest.train_pairs},
                   {"val_pairs", manifest.val_pairs},
                   {"test_pairs", manifest.test_pairs},
                   {"test_pairs_in_train", manifest.test_pairs_in_train},
                   {"test_drugs_in_train", manifest.test_drugs_in_train},
                   {"test_targets_in_train", manifest.test_targets_in_train},
                   {"affinity_unit", manifest.affinity_unit},
                   {"affinity_direction", std::string(AffinityDirectionName(manifest.affinity_direction))},
                   {"protein_feature_dim", manifest.protein_feature_dim},
                   {"digest", manifest.digest}});
}

int Run(Options options, Console* console) {
  HandleStopSignals(OnStop::kExit);
  v1::SplitOptions* const split = options.spec.mutable_split();
  const bool by_column =
      split->method() == v1::SplitOptions::METHOD_UNSPECIFIED || split->method() == v1::SplitOptions::COLUMN;
  if (by_column && split->split_column().empty()) {
    split->set_split_column(GivenSplitColumn(options.input_file));
  }
  auto preprocess = FromProto(options.spec);
  if (!preprocess.ok()) return console->WrongUsage(preprocess.status());
  preprocess->protein_features = options.protein_features;
  const auto lock = LockDirectory(options.output_dir);
  if (!lock.ok()) return console->Fail(lock.status());
  const auto manifest = Preprocess(
      options.input_file, options.output_dir, *preprocess,
      [console](absl::string_view phase, int64_t done, int64_t total) { console->Progress(phase, done, total, ""); });
  if (!manifest.ok()) return console->Fail(manifest.status());
  Report(*manifest, options.output_dir, console);
  return kDone;
}

}  // namespace

void AddPreprocessCommand(CLI::App* app, Action* action) {
  CLI::App* const command =
      app->add_subcommand("preprocess", "Turn a CSV file or a DeepDTA folder into a data set to train on");
  const auto options = std::make_shared<Options>();
  command->add_option("--input-file", options->input_file, "CSV file with a header, also .gz, or a DeepDTA folder")
      ->required()
      ->type_name("FILE|DIR");
  command->add_option("--output-dir", options->output_dir, "Directory to write, made where missing")
      ->required()
      ->type_name("DIR");
  command
      ->add_option(
          "--protein-features", options->protein_features,
          "A vector for each protein, by sequence or id: .pt of torch.save, or .npy with a .txt beside it [none]")
      ->type_name("FILE")
      ->group("Data options");
  AddFieldFlags(DatasetFlags(), "Data options", &options->spec, command);
  command->callback([options, action] { *action = [options](Console* console) { return Run(*options, console); }; });
}

}  // namespace deepbindnet
