#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/csv/protein_features.h"
#include "core/inference/predictor.h"
#include "proto/flags/predict_flags.h"
#include "server/worker/commands.h"
#include "server/worker/predict_table.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string checkpoint;
  std::string device = "auto";
  PredictFlags flags;
  ExplanationFileOptions explain;
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

// One pair, with its protein's vector where the file has one.
absl::StatusOr<PredictionInput> ReadPair(const PredictFlags& flags) {
  PredictionInput input = {{flags.smiles}, {flags.sequence}, {{0, 0}}};
  if (flags.protein_features.empty()) return input;
  DBN_ASSIGN_OR_RETURN(const ProteinFeatures features, ProteinFeatures::Read(flags.protein_features));
  const std::vector<float>* const vector = features.Find(flags.sequence, /*id=*/"");
  if (vector != nullptr) input.features = {*vector};
  return input;
}

int PredictPair(const Predictor& predictor, const Options& options, Console* console) {
  const auto input = ReadPair(options.flags);
  if (!input.ok()) return console->Fail(input.status());
  const auto values = predictor.Predict(*input);
  if (!values.ok()) return console->Fail(values.status());
  const absl::StatusOr<double>& value = values->front();
  if (!value.ok()) return console->Fail(value.status());
  const PredictorInfo& model = predictor.info();
  Json object = {{"state", "SUCCEEDED"},
                 {"smiles", options.flags.smiles},
                 {"sequence", options.flags.sequence},
                 {"predicted_affinity", *value},
                 {"unit", model.affinity_unit},
                 {"affinity_direction", std::string(AffinityDirectionName(model.affinity_direction))},
                 {"model_type", model.model_type},
                 {"model_digest", model.digest}};
  std::string explanation;
  if (!options.explain.directory.empty()) {
    const absl::Status explained = ExplainPair(predictor, *input, options.explain, &object, &explanation);
    if (!explained.ok()) return console->Fail(explained);
  }
  console->Line(absl::StrFormat("%.4f%s%s  (%s model)%s", *value, model.affinity_unit.empty() ? "" : " ",
                                model.affinity_unit, model.model_type, explanation));
  console->Object(object);
  return kDone;
}

int PredictRows(const Predictor& predictor, const Options& given, Console* console) {
  const PredictTableOptions options = {given.flags.input, given.flags.output, given.flags.protein_features,
                                       given.explain};
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
                   {"affinity_direction", std::string(AffinityDirectionName(predictor.info().affinity_direction))},
                   {"model_type", predictor.info().model_type},
                   {"model_digest", predictor.info().digest}});
  return kDone;
}

int Run(const Options& options, Console* console) {
  HandleStopSignals(OnStop::kExit);
  const auto predictor = LoadPredictor(options.checkpoint, options.device);
  if (!predictor.ok()) return console->Fail(predictor.status());
  return options.flags.input.empty() ? PredictPair(**predictor, options, console)
                                     : PredictRows(**predictor, options, console);
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
  AddPredictFlags(&options->flags, command);
  command->callback([=] {
    const auto given = [command](const char* option) { return command->count(option) > 0; };
    const bool pair = given("--smiles") && given("--sequence") && !given("--input") && !given("--output");
    const bool table =
        !given("--smiles") && !given("--sequence") && given("--input") && (given("--output") || given("--explain"));
    if (!pair && !table) {
      throw CLI::ValidationError("predict",
                                 "give --smiles and --sequence for one pair, or --input with --output or --explain for "
                                 "a CSV");
    }
    const PredictFlags& flags = options->flags;
    options->explain = {flags.explain, ParseDetail(flags.explain_detail), flags.atom_indices};
    *action = [options](Console* console) { return Run(*options, console); };
  });
}

}  // namespace deepbindnet
