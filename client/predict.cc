// predict
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands.h"
#include "client/explain.h"
#include "client/files.h"
#include "client/format.h"
#include "client/pair_batch.h"
#include "client/patience.h"
#include "core/csv/pair_table.h"
#include "core/csv/protein_features.h"
#include "proto/flags/predict_flags.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

struct PredictArguments {
  std::string model;
  PredictFlags flags;
  ExplainOptions explain;
};

// Without any vector where no file was given.
absl::StatusOr<ProteinFeatures> ReadFeatures(const PredictArguments& arguments) {
  if (arguments.flags.protein_features.empty()) return ProteinFeatures();
  absl::StatusOr<ProteinFeatures> features = ProteinFeatures::Read(arguments.flags.protein_features);
  if (!features.ok()) return UsageError(absl::StrCat("--protein-features: ", features.status().message()));
  return features;
}

bool IsAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isascii(c); });
}

absl::StatusOr<v1::PredictResponse> Predict(const v1::PredictRequest& request, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(v1::PredictResponse response, session->connection()->Call(&Stub::Predict, request));
  if (response.predictions_size() != request.pairs_size()) {
    return absl::InternalError(absl::StrCat("the server answered ", response.predictions_size(), " predictions for ",
                                            request.pairs_size(), " pairs"));
  }
  return response;
}

// INVALID_ARGUMENT where the pair has an error.
absl::StatusOr<double> AffinityOf(const v1::Prediction& prediction) {
  if (!prediction.error().empty()) return absl::InvalidArgumentError(prediction.error());
  return prediction.value();
}

absl::Status MakeExplainDirectory(const ExplainOptions& options) {
  if (options.directory.empty()) return absl::OkStatus();
  return MakeOutputDirectory("--explain", options.directory);
}

// Adds the explanation to what is printed of the pair: to `json`, and below the prediction.
absl::Status AddExplanation(const PredictArguments& arguments, const InputPair& input, Session* session,
                            nlohmann::ordered_json* json, std::string* text) {
  if (arguments.explain.directory.empty()) return absl::OkStatus();
  CLIENT_ASSIGN_OR_RETURN(const v1::ExplainedPair pair,
                          ExplainPair(arguments.model, input, arguments.explain, session));
  const ExplanationFiles files = ExplanationFilesOf(arguments.explain.directory, 1);
  (*json)["explanation"] = nlohmann::ordered_json::parse(pair.json(), nullptr, /*allow_exceptions=*/false);
  (*json)["explanation_json"] = files.json;
  (*json)["explanation_svg"] = files.svg;
  *text = absl::StrCat("\n", pair.text(), "wrote ", files.json, " and ", files.svg);
  return absl::OkStatus();
}

absl::Status PredictPair(const PredictArguments& arguments, Session* session) {
  for (const auto& [option, value] :
       {std::pair("--smiles", &arguments.flags.smiles), {"--sequence", &arguments.flags.sequence}}) {
    if (!IsAscii(*value)) return UsageError(absl::StrCat(option, ": has a character that is not ASCII"));
  }
  CLIENT_RETURN_IF_ERROR(MakeExplainDirectory(arguments.explain));
  CLIENT_ASSIGN_OR_RETURN(const ProteinFeatures features, ReadFeatures(arguments));
  const InputPair pair = {arguments.flags.smiles, arguments.flags.sequence,
                          features.Find(arguments.flags.sequence, "")};
  PairBatch batch;
  batch.Add({}, pair);
  batch.mutable_request()->set_model(arguments.model);
  CLIENT_ASSIGN_OR_RETURN(const v1::PredictResponse response, Predict(*batch.mutable_request(), session));
  const v1::Prediction& prediction = response.predictions(0);
  CLIENT_RETURN_IF_ERROR(AffinityOf(prediction).status());

  nlohmann::ordered_json json = {{"type", "prediction"},
                                 {"smiles", arguments.flags.smiles},
                                 {"sequence", arguments.flags.sequence},
                                 {"predicted_affinity", prediction.value()},
                                 {"unit", response.affinity_unit()},
                                 {"affinity_direction", DirectionName(response.affinity_direction())},
                                 {"model", response.model()},
                                 {"model_digest", response.model_digest()}};
  std::string interval;
  if (prediction.has_lower() && prediction.has_upper()) {
    json["lower"] = prediction.lower();
    json["upper"] = prediction.upper();
    interval = absl::StrFormat(" (%.4f to %.4f)", prediction.lower(), prediction.upper());
  }
  std::string explanation;
  CLIENT_RETURN_IF_ERROR(AddExplanation(arguments, pair, session, &json, &explanation));
  session->console()->Json(json);
  session->console()->Line(absl::StrFormat("%.4f%s%s%s  (model %s)%s", prediction.value(),
                                           response.affinity_unit().empty() ? "" : " ", response.affinity_unit(),
                                           interval, response.model(), explanation));
  return absl::OkStatus();
}

// CSV in, CSV out, a batch at a time.
class TablePrediction {
 public:
  TablePrediction(const PredictArguments& arguments, Session* session)
      : arguments_(arguments),
        session_(session),
        explanation_(arguments.model, arguments.explain, session,
                     [this](const v1::ExplainResponse& response) { return CheckSameModel(response); }) {}

  absl::Status Run();

 private:
  absl::Status AddRow(const PairRow& row);
  absl::Status AddUnsendable(const PairRow& row);
  absl::Status SendBatch();
  template <typename Response>
  absl::Status CheckSameModel(const Response& response);
  absl::Status WriteRow(const PairBatch::Row& row, const v1::PredictResponse& response);
  absl::Status Explain(const PairBatch::Row& row);
  absl::Status Finish(absl::Time start);

  const PredictArguments arguments_;
  Session* const session_;
  std::unique_ptr<AtomicFile> output_;
  std::unique_ptr<PairTable> input_;
  ProteinFeatures features_;
  PairBatch batch_;
  int64_t predicted_ = 0;
  int64_t failed_ = 0;
  std::string first_failure_;
  v1::PredictResponse model_;  // Of the first answer, without its predictions.
  TableExplanation explanation_;
};

absl::Status TablePrediction::Run() {
  absl::StatusOr<std::unique_ptr<PairTable>> input = PairTable::Open(arguments_.flags.input);
  if (!input.ok()) return UsageError(absl::StrCat("--input: ", input.status().message()));
  input_ = *std::move(input);
  CLIENT_ASSIGN_OR_RETURN(features_, ReadFeatures(arguments_));
  CLIENT_ASSIGN_OR_RETURN(output_, AtomicFile::Create(arguments_.flags.output));
  CLIENT_RETURN_IF_ERROR(MakeExplainDirectory(arguments_.explain));
  output_->Write(input_->OutputHeader());
  const absl::Time start = absl::Now();
  PairRow row;
  for (;;) {
    const absl::StatusOr<bool> found = input_->Next(&row);
    CLIENT_RETURN_IF_ERROR(AsUsageError(found.status()));
    if (!*found) break;
    CLIENT_RETURN_IF_ERROR(AddRow(row));
  }
  CLIENT_RETURN_IF_ERROR(SendBatch());
  CLIENT_RETURN_IF_ERROR(explanation_.Finish());
  return Finish(start);
}

absl::Status TablePrediction::AddRow(const PairRow& row) {
  if (!row.status.ok()) return AddUnsendable(row);
  InputPair pair = {input_->Smiles(row), input_->Sequence(row)};
  for (const auto& [what, text] : {std::pair("smiles", &pair.smiles), {"sequence", &pair.sequence}}) {
    if (IsAscii(*text)) continue;
    PairRow unsendable = row;
    unsendable.status = absl::InvalidArgumentError(absl::StrCat(what, ": has a character that is not ASCII"));
    return AddUnsendable(unsendable);
  }
  pair.features = features_.Find(pair.sequence, input_->ProteinId(row));
  if (batch_.Add(row, pair)) return absl::OkStatus();
  CLIENT_RETURN_IF_ERROR(SendBatch());
  batch_.Add(row, pair);
  return absl::OkStatus();
}

absl::Status TablePrediction::AddUnsendable(const PairRow& row) {
  batch_.AddUnsendable(row);
  return batch_.rows().size() >= PairBatch::kMaxPairs ? SendBatch() : absl::OkStatus();
}

absl::Status TablePrediction::SendBatch() {
  v1::PredictResponse response;
  v1::PredictRequest* request = batch_.mutable_request();
  if (request->pairs_size() > 0) {
    request->set_model(arguments_.model);
    CLIENT_ASSIGN_OR_RETURN(response,
                            CallPatiently(session_->connection(), [&] { return Predict(*request, session_); }));
    CLIENT_RETURN_IF_ERROR(CheckSameModel(response));
  }
  for (const PairBatch::Row& row : batch_.rows()) CLIENT_RETURN_IF_ERROR(WriteRow(row, response));
  batch_.Clear();
  session_->console()->Progress("predicting", 0, 0, absl::StrCat(predicted_ + failed_, " pairs"));
  return absl::OkStatus();
}

template <typename Response>
absl::Status TablePrediction::CheckSameModel(const Response& response) {
  if (model_.model_digest().empty()) {
    model_.set_model(response.model());
    model_.set_model_digest(response.model_digest());
    model_.set_affinity_unit(response.affinity_unit());
    model_.set_affinity_direction(response.affinity_direction());
  }
  if (model_.model_digest() == response.model_digest()) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("--model: ", arguments_.model, " moved from ", model_.model(), " to ",
                                         response.model(), " meanwhile; run the command again"));
}

absl::Status TablePrediction::WriteRow(const PairBatch::Row& row, const v1::PredictResponse& response) {
  const absl::StatusOr<double> affinity = row.pair < 0 ? row.row.status : AffinityOf(response.predictions(row.pair));
  output_->Write(input_->OutputLine(row.row, affinity, response.affinity_unit()));
  if (affinity.ok()) {
    ++predicted_;
    return Explain(row);
  }
  ++failed_;
  if (first_failure_.empty()) {
    first_failure_ = absl::StrCat("line ", row.row.line, ": ", affinity.status().message());
  }
  return absl::OkStatus();
}

absl::Status TablePrediction::Explain(const PairBatch::Row& row) {
  if (arguments_.explain.directory.empty()) return absl::OkStatus();
  session_->console()->Progress("explaining", 0, 0, absl::StrCat(explanation_.explained(), " pairs"));
  return explanation_.Add(predicted_ + failed_, row.input);
}

absl::Status TablePrediction::Finish(absl::Time start) {
  const int64_t rows = predicted_ + failed_;
  const double rate = static_cast<double>(rows) / std::max(absl::ToDoubleSeconds(absl::Now() - start), 1e-9);
  CLIENT_RETURN_IF_ERROR(output_->Commit());
  Console* console = session_->console();
  nlohmann::ordered_json json = {{"type", "prediction_file"},
                                 {"output", arguments_.flags.output},
                                 {"rows", rows},
                                 {"predicted", predicted_},
                                 {"failed", failed_},
                                 {"unit", model_.affinity_unit()},
                                 {"affinity_direction", DirectionName(model_.affinity_direction())},
                                 {"model", model_.model()},
                                 {"model_digest", model_.model_digest()},
                                 {"pairs_per_second", rate}};
  if (!arguments_.explain.directory.empty()) {
    json["explanations"] = arguments_.explain.directory;
    json["explained"] = explanation_.explained();
  }
  console->Json(json);
  console->Line(absl::StrFormat("wrote %s: %d pairs predicted with %s, %d without a prediction, %.0f pairs/s",
                                arguments_.flags.output, predicted_, model_.model(), failed_, rate));
  if (!arguments_.explain.directory.empty()) {
    console->Line(absl::StrFormat("wrote %s: the explanations of %d pairs", arguments_.explain.directory,
                                  explanation_.explained()));
  }
  if (!explanation_.first_failure().empty()) {
    console->Note(absl::StrCat("not every pair is explained; ", explanation_.first_failure()));
  }
  if (failed_ == 0) return absl::OkStatus();
  if (predicted_ == 0) return absl::AbortedError(absl::StrCat("no pair could be predicted; ", first_failure_));
  console->Note(absl::StrCat("the column prediction_error says why ", failed_, " of ", rows,
                             " pairs have no prediction; ", first_failure_));
  return absl::OkStatus();
}

ExplainOptions ExplainOptionsOf(const PredictFlags& flags) {
  static const std::map<std::string, v1::ExplainRequest::Detail> kDetails = {{"summary", v1::ExplainRequest::SUMMARY},
                                                                             {"layers", v1::ExplainRequest::LAYERS},
                                                                             {"heads", v1::ExplainRequest::HEADS}};
  return {flags.explain, kDetails.at(flags.explain_detail), flags.atom_indices};
}

}  // namespace

void AddPredictCommand(CLI::App* app, Action* action) {
  CLI::App* predict = app->add_subcommand("predict", "Predict the affinity of one pair, or of a CSV's")->fallthrough();
  auto arguments = std::make_shared<PredictArguments>();
  predict->add_option("--model", arguments->model, "A model's name or alias [default, or the only model]")
      ->type_name("MODEL");
  AddPredictFlags(&arguments->flags, predict);
  predict->callback([=] {
    const auto given = [predict](const char* option) { return predict->count(option) > 0; };
    const bool pair = given("--smiles") || given("--sequence");
    const bool table = given("--input") || given("--output");
    const bool complete = pair ? given("--smiles") && given("--sequence") : given("--input") && given("--output");
    if (pair == table || !complete) {
      throw CLI::ValidationError("predict",
                                 "give --smiles and --sequence for one pair, or --input and --output for a CSV");
    }
    arguments->explain = ExplainOptionsOf(arguments->flags);
    *action = [=](Session* session) {
      return pair ? PredictPair(*arguments, session) : TablePrediction(*arguments, session).Run();
    };
  });
}

}  // namespace deepbindnet::client
