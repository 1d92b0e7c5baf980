#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/inference/predictor.h"
#include "server/worker/commands.h"
#include "server/worker/predict_table.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string checkpoint;
  std::string device = "auto";
  std::string smiles;
  std::string sequence;
  std::string detail = "layers";
  PredictTableOptions table;
};

ExplanationDetail ParseDetail(const std::string& name) {
  if (name == "summary") return ExplanationDetail::kSummary;
  return name == "heads" ? ExplanationDetail::kHeads : ExplanationDetail::kLayers;
}

// Adds the explanation of the pair to `object` and writes its files.
absl::Status ExplainPair(const Predictor& predictor, const PredictionInput& input,
                         const ExplanationFileOptions& options, Json* object, std::string* text) {
  DBN_ASSIGN_OR_RETURN(const Explanation explanation, predictor.Explain(input, 0));
  DBN_RETURN_IF_ERROR(WriteExplanation(explanation, predictor.info(), 1, options));
  const ExplanationFiles files = ExplanationFilesOf(options.directory, 1);
  (*object)["explanation"] = Json::parse(ExplanationJson(explanation, predictor.info(), options.detail));
  (*object)["explanation_json"] = files.json;
  (*object)["explanation_svg"] = files.svg;
  *text = absl::StrCat("\n", ExplanationText(explanation), "wrote ", files.json, " and ", files.svg);
  return absl::OkStatus();
}

int PredictPair(const Predictor& predictor, const Options& options, Console* console) {
  const PredictionInput input = {{options.smiles}, {options.sequence}, {{0, 0}}};
  const auto values = predictor.Predict(input);
  if (!values.ok()) return console->Fail(values.status());
  const absl::StatusOr<double>& value = values->front();
  if (!value.ok()) return console->Fail(value.status());
  const PredictorInfo& model = predictor.info();
  Json object = {{"state", "SUCCEEDED"},         {"smiles", options.smiles},    {"sequence", options.sequence},
                 {"predicted_affinity", *value}, {"unit", model.affinity_unit}, {"model_type", model.model_type},
                 {"model_digest", model.digest}};
  std::string explanation;
  if (!options.table.explain.directory.empty()) {
    const absl::Status explained = ExplainPair(predictor, input, options.table.explain, &object, &explanation);
    if (!explained.ok()) return console->Fail(explained);
  }
  console->Line(absl::StrFormat("%.4f%s%s  (%s model)%s", *value, model.affinity_unit.empty() ? "" : " ",
                                model.affinity_unit, model.model_type, explanation));
  console->Object(object);
  return kDone;
}

int PredictRows(const Predictor& predictor, const PredictTableOptions& options, Console* console) {
  const auto summary =
      PredictTable(predictor, options, [console](int64_t rows) { console->Progress("predicting", rows, 0, "rows"); });
  if (!summary.ok()) return console->Fail(summary.status());
  if (summary->predicted == 0) {
    return console->Fail(absl::InvalidArgumentError(
        absl::StrCat(options.input, ": no row could be predicted; ", summary->first_failure)));
  }
  console->Line(absl::StrFormat("%d rows predicted, %d without a prediction%s%s", summary->predicted, summary->failed,
                                summary->failed > 0 ? "; the first is " : "", summary->first_failure));
  console->Object({{"state", "SUCCEEDED"},
                   {"output", options.output},
                   {"explanations", options.explain.directory},
                   {"rows", summary->rows},
                   {"predicted", summary->predicted},
                   {"failed", summary->failed},
                   {"unit", predictor.info().affinity_unit},
                   {"model_type", predictor.info().model_type},
                   {"model_digest", predictor.info().digest}});
  return kDone;
}

int Run(const Options& options, Console* console) {
  HandleStopSignals(OnStop::kExit);
  const auto predictor = LoadPredictor(options.checkpoint, options.device);
  if (!predictor.ok()) return console->Fail(predictor.status());
  return options.table.input.empty() ? PredictPair(**predictor, options, console)
                                     : PredictRows(**predictor, options.table, console);
}

void AddExplainOptions(CLI::App* command, Options* options) {
  CLI::Option* const explain =
      command
          ->add_option("--explain", options->table.explain.directory,
                       "Directory for what the model attended to: row-N.json and row-N.svg for data row N, from 1; "
                       "a single pair is row 1")
          ->type_name("DIR");
  command->add_option("--explain-detail", options->detail, "summary, layers or heads in the JSON [layers]")
      ->check(CLI::IsMember({"summary", "layers", "heads"}))
      ->type_name("DETAIL")
      ->needs(explain);
  command->add_flag("--atom-indices", options->table.explain.atom_indices, "Write each atom's index into the drawing")
      ->needs(explain);
}

}  // namespace

void AddPredictCommand(CLI::App* app, Action* action) {
  CLI::App* const command =
      app->add_subcommand("predict", "Predict with a checkpoint: one pair, or a CSV's; explain where asked");
  const auto options = std::make_shared<Options>();
  command->add_option("--checkpoint", options->checkpoint, "best_model.pt or another checkpoint")
      ->required()
      ->type_name("FILE");
  command->add_option("--device", options->device, "auto, cpu, cuda or cuda:N [auto]")->type_name("DEVICE");
  CLI::Option* const smiles =
      command->add_option("--smiles", options->smiles, "The molecule, at most 4096 characters")->type_name("SMILES");
  CLI::Option* const sequence =
      command->add_option("--sequence", options->sequence, "The protein, one letter a residue, at most 10000")
          ->type_name("SEQUENCE");
  CLI::Option* const input =
      command
          ->add_option(
              "--input", options->table.input,
              "CSV, also .gz, with columns compound_iso_smiles|smiles|drug and target_sequence|sequence|protein")
          ->type_name("FILE");
  CLI::Option* const output =
      command
          ->add_option("--output", options->table.output,
                       "CSV to write: the input's columns and predicted_affinity, predicted_unit, prediction_error")
          ->type_name("FILE");
  AddExplainOptions(command, options.get());
  command->callback([=] {
    const bool pair = smiles->count() > 0 && sequence->count() > 0 && input->count() == 0 && output->count() == 0;
    const bool table = smiles->count() == 0 && sequence->count() == 0 && input->count() > 0 &&
                       (output->count() > 0 || !options->table.explain.directory.empty());
    if (!pair && !table) {
      throw CLI::ValidationError("predict",
                                 "give --smiles and --sequence for one pair, or --input with --output or --explain for "
                                 "a CSV");
    }
    options->table.explain.detail = ParseDetail(options->detail);
    *action = [options](Console* console) { return Run(*options, console); };
  });
}

}  // namespace deepbindnet
