#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/data/processed_dataset.h"
#include "server/worker/commands.h"
#include "server/worker/compare_models.h"
#include "server/worker/directory_lock.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string data_dir;
  std::string standard_model_dir;
  std::string gated_model_dir;
  std::string output_dir;
};

void Report(const ModelComparisonRun& run, const std::string& output_dir, Console* console) {
  const std::string unit = run.input.affinity_unit.empty() ? "" : absl::StrCat(", in ", run.input.affinity_unit);
  console->Line(absl::StrFormat("%d test pairs of %s%s", run.input.truth.size(), run.input.dataset, unit));
  Json models = Json::array();
  for (const ModelComparison& model : run.comparison.models) {
    console->Line(absl::StrFormat("%-9s RMSE %.4f (%+.1f %%)  MAE %.4f (%+.1f %%)  R2 %.4f (%+.1f %%)  CI %.4f",
                                  model.name, model.metrics.rmse, model.rmse_improvement_percent, model.metrics.mae,
                                  model.mae_improvement_percent, model.metrics.r2, model.r2_improvement_percent,
                                  model.metrics.ci));
    models.push_back({{"model", model.name},
                      {"model_type", model.model_type},
                      {"metrics", MetricsJson(model.metrics)},
                      {"rmse_improvement_percent", model.rmse_improvement_percent},
                      {"mae_improvement_percent", model.mae_improvement_percent},
                      {"r2_improvement_percent", model.r2_improvement_percent}});
  }
  console->Line(absl::StrCat("report: ", output_dir, "/report.html"));
  console->Object({{"state", "SUCCEEDED"},
                   {"dataset", run.input.dataset},
                   {"pairs", run.input.truth.size()},
                   {"output_dir", output_dir},
                   {"models", models}});
}

int Run(const Options& options, Console* console) {
  HandleStopSignals(OnStop::kExit);
  const auto manifest = LoadManifest(options.data_dir);
  if (!manifest.ok()) return console->Fail(manifest.status());
  const auto lock = LockDirectory(options.output_dir);
  if (!lock.ok()) return console->Fail(lock.status());
  const auto run = CompareModels(
      {{"standard", absl::StrCat(options.standard_model_dir, "/best_model.pt")},
       {"gated", absl::StrCat(options.gated_model_dir, "/best_model.pt")}},
      manifest->source.empty() ? options.data_dir : manifest->source, options.data_dir, options.output_dir,
      [console](absl::string_view phase, int64_t done, int64_t total) { console->Progress(phase, done, total, ""); });
  if (!run.ok()) return console->Fail(run.status());
  Report(*run, options.output_dir, console);
  return kDone;
}

void AddDirectory(CLI::App* command, const std::string& name, std::string* value, const std::string& help) {
  command->add_option(name, *value, help)->required()->type_name("DIR");
}

}  // namespace

void AddCompareCommand(CLI::App* app, Action* action) {
  CLI::App* const command =
      app->add_subcommand("compare", "Measure a gated against a standard model, with charts and a report");
  const auto options = std::make_shared<Options>();
  AddDirectory(command, "--data-dir", &options->data_dir, "Directory that preprocess wrote; its test part is used");
  AddDirectory(command, "--standard-model-dir", &options->standard_model_dir,
               "Output directory of the standard training, the reference (best_model.pt)");
  AddDirectory(command, "--gated-model-dir", &options->gated_model_dir,
               "Output directory of the gated training (best_model.pt)");
  AddDirectory(command, "--output-dir", &options->output_dir,
               "Directory for report.html, charts and tables, made where missing");
  command->callback([options, action] { *action = [options](Console* console) { return Run(*options, console); }; });
}

}  // namespace deepbindnet
