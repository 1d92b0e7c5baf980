// predict
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/columns.h"
#include "client/commands.h"
#include "client/csv.h"
#include "client/explain.h"
#include "client/files.h"
#include "client/format.h"
#include "client/pair_batch.h"
#include "client/patience.h"
#include "core/csv/column_names.h"
#include "core/csv/protein_features.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

// What we add to a table; an input's columns of these names are an earlier output's and make way.
const char* const kResultColumns[] = {"predicted_affinity", "predicted_unit", "prediction_error"};

bool IsResultColumn(const std::string& name) {
  return std::find(std::begin(kResultColumns), std::end(kResultColumns), name) != std::end(kResultColumns);
}

struct PredictArguments {
  std::string model;
  std::string smiles;
  std::string sequence;
  std::string input;
  std::string output;
  ExplainOptions explain;
  std::string protein_features;
};

// None where no file was given.
absl::StatusOr<std::optional<ProteinFeatures>> ReadFeatures(const PredictArguments& arguments) {
  if (arguments.protein_features.empty()) return std::nullopt;
  absl::StatusOr<ProteinFeatures> features = ProteinFeatures::Read(arguments.protein_features);
  if (!features.ok()) return UsageError(absl::StrCat("--protein-features: ", features.status().message()));
  return *std::move(features);
}

bool IsAscii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isascii(c); });
}

// Shortest text that reads back as the same number to nine digits, more than a float32 model has.
std::string Number(double value) { return absl::StrFormat("%.9g", value); }

absl::StatusOr<v1::PredictResponse> Predict(const v1::PredictRequest& request, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(v1::PredictResponse response, session->connection()->Call(&Stub::Predict, request));
  if (response.predictions_size() != request.pairs_size()) {
    return absl::InternalError(absl::StrCat("the server answered ", response.predictions_size(), " predictions for ",
                                            request.pairs_size(), " pairs"));
  }
  return response;
}

absl::Status MakeExplainDirectory(const ExplainOptions& options) {
  if (options.directory.empty()) return absl::OkStatus();
  return MakeOutputDirectory("--explain", options.directory);
}

// Adds the explanation to what is printed of the pair: to `json`, and below the prediction.
absl::Status AddExplanation(const PredictArguments& arguments, Session* session, nlohmann::ordered_json* json,
                            std::string* text) {
  if (arguments.explain.directory.empty()) return absl::OkStatus();
  CLIENT_ASSIGN_OR_RETURN(const v1::ExplainedPair pair, ExplainPair(arguments.model, arguments.smiles,
                                                                    arguments.sequence, arguments.explain, session));
  const ExplanationFiles files = ExplanationFilesOf(arguments.explain.directory, 1);
  (*json)["explanation"] = nlohmann::ordered_json::parse(pair.json(), nullptr, /*allow_exceptions=*/false);
  (*json)["explanation_json"] = files.json;
  (*json)["explanation_svg"] = files.svg;
  *text = absl::StrCat("\n", pair.text(), "wrote ", files.json, " and ", files.svg);
  return absl::OkStatus();
}

absl::Status PredictPair(const PredictArguments& arguments, Session* session) {
  for (const auto& [option, value] : {std::pair("--smiles", &arguments.smiles), {"--sequence", &arguments.sequence}}) {
    if (!IsAscii(*value)) return UsageError(absl::StrCat(option, ": has a character that is not ASCII"));
  }
  CLIENT_RETURN_IF_ERROR(MakeExplainDirectory(arguments.explain));
  v1::PredictRequest request;
  request.set_model(arguments.model);
  request.add_smiles(arguments.smiles);
  request.add_sequences(arguments.sequence);
  request.add_pairs();
  CLIENT_ASSIGN_OR_RETURN(const std::optional<ProteinFeatures> features, ReadFeatures(arguments));
  const std::vector<float>* const vector = features ? features->Find(arguments.sequence, "") : nullptr;
  if (vector != nullptr) request.add_protein_features()->mutable_values()->Assign(vector->begin(), vector->end());
  CLIENT_ASSIGN_OR_RETURN(const v1::PredictResponse response, Predict(request, session));
  const v1::Prediction& prediction = response.predictions(0);
  if (!prediction.error().empty()) return absl::InvalidArgumentError(prediction.error());

  nlohmann::ordered_json json = {{"type", "prediction"},
                                 {"smiles", arguments.smiles},
                                 {"sequence", arguments.sequence},
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
  CLIENT_RETURN_IF_ERROR(AddExplanation(arguments, session, &json, &explanation));
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
  absl::Status ReadHeader(CsvReader* reader);
  absl::Status AddRow(std::vector<std::string> row, const CsvReader& reader);
  absl::Status AddUnsendable(const std::vector<std::string>& row, int64_t line, const std::string& error);
  absl::Status SendBatch();
  template <typename Response>
  absl::Status CheckSameModel(const Response& response);
  absl::Status WriteRow(const PairBatch::Row& row, const v1::PredictResponse& response);
  absl::Status Explain(const PairBatch::Row& row);
  absl::Status Finish(absl::Time start);

  const PredictArguments arguments_;
  Session* const session_;
  std::unique_ptr<AtomicFile> output_;
  PairBatch batch_;
  size_t columns_ = 0;  // Of the input.
  int smiles_column_ = -1;
  int sequence_column_ = -1;
  int id_column_ = -1;  // Of the protein; -1 where there is none.
  std::optional<ProteinFeatures> features_;
  std::vector<size_t> kept_columns_;  // The input's, without those that we write.
  int64_t predicted_ = 0;
  int64_t failed_ = 0;
  std::string first_failure_;
  v1::PredictResponse model_;  // Of the first answer, without its predictions.
  TableExplanation explanation_;
};

absl::Status TablePrediction::Run() {
  const absl::StatusOr<std::unique_ptr<CsvReader>> reader = CsvReader::Open(arguments_.input);
  if (!reader.ok()) return UsageError(absl::StrCat("--input: ", reader.status().message()));
  CLIENT_ASSIGN_OR_RETURN(features_, ReadFeatures(arguments_));
  CLIENT_ASSIGN_OR_RETURN(output_, AtomicFile::Create(arguments_.output));
  CLIENT_RETURN_IF_ERROR(MakeExplainDirectory(arguments_.explain));
  CLIENT_RETURN_IF_ERROR(ReadHeader(reader->get()));
  const absl::Time start = absl::Now();
  std::vector<std::string> row;
  for (;;) {
    CLIENT_ASSIGN_OR_RETURN(const bool found, (*reader)->Next(&row));
    if (!found) break;
    CLIENT_RETURN_IF_ERROR(AddRow(row, **reader));
  }
  CLIENT_RETURN_IF_ERROR(SendBatch());
  CLIENT_RETURN_IF_ERROR(explanation_.Finish());
  return Finish(start);
}

absl::Status TablePrediction::ReadHeader(CsvReader* reader) {
  std::vector<std::string> header;
  CLIENT_ASSIGN_OR_RETURN(const bool found, reader->Next(&header));
  if (!found) return UsageError(absl::StrCat("--input: ", arguments_.input, " is empty; it needs a header"));
  columns_ = header.size();
  smiles_column_ = FindColumn(header, SmilesColumnNames());
  sequence_column_ = FindColumn(header, SequenceColumnNames());
  id_column_ = FindColumn(header, ProteinIdColumnNames());
  if (smiles_column_ < 0) {
    return UsageError(absl::StrCat(arguments_.input, ": has no SMILES column; name one 'smiles'"));
  }
  if (sequence_column_ < 0) {
    return UsageError(absl::StrCat(arguments_.input, ": has no sequence column; name one 'sequence'"));
  }
  std::vector<std::string> columns;
  for (size_t i = 0; i < header.size(); ++i) {
    if (IsResultColumn(header[i])) continue;
    kept_columns_.push_back(i);
    columns.push_back(header[i]);
  }
  columns.insert(columns.end(), std::begin(kResultColumns), std::end(kResultColumns));
  output_->Write(CsvLine(columns));
  return absl::OkStatus();
}

absl::Status TablePrediction::AddRow(std::vector<std::string> row, const CsvReader& reader) {
  const int64_t line = reader.line();
  if (row.size() != columns_) {
    const std::string problem = absl::StrCat("has ", row.size(), " fields and not the header's ", columns_);
    if (row.size() < columns_ && !reader.ends_with_newline()) {
      return UsageError(absl::StrCat(arguments_.input, ": line ", line, ": ", problem, "; is the file truncated?"));
    }
    row.resize(columns_);
    return AddUnsendable(row, line, absl::StrCat("the row ", problem));
  }
  const std::string& smiles = row[smiles_column_];
  const std::string& sequence = row[sequence_column_];
  for (const auto& [what, text] : {std::pair("smiles", &smiles), {"sequence", &sequence}}) {
    if (IsAscii(*text)) continue;
    return AddUnsendable(row, line, absl::StrCat(what, ": has a character that is not ASCII"));
  }
  const std::vector<float>* const features =
      features_ ? features_->Find(sequence, id_column_ < 0 ? "" : row[id_column_]) : nullptr;
  if (batch_.Add(row, line, smiles, sequence, features)) return absl::OkStatus();
  CLIENT_RETURN_IF_ERROR(SendBatch());
  batch_.Add(row, line, smiles, sequence, features);
  return absl::OkStatus();
}

absl::Status TablePrediction::AddUnsendable(const std::vector<std::string>& row, int64_t line,
                                            const std::string& error) {
  batch_.AddUnsendable(row, line, error);
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
  }
  if (model_.model_digest() == response.model_digest()) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("--model: ", arguments_.model, " moved from ", model_.model(), " to ",
                                         response.model(), " meanwhile; run the command again"));
}

absl::Status TablePrediction::WriteRow(const PairBatch::Row& row, const v1::PredictResponse& response) {
  std::vector<std::string> fields;
  for (const size_t column : kept_columns_) fields.push_back(row.fields[column]);
  const std::string error = row.pair < 0 ? row.error : response.predictions(row.pair).error();
  if (error.empty()) {
    fields.insert(fields.end(), {Number(response.predictions(row.pair).value()), response.affinity_unit(), ""});
    ++predicted_;
  } else {
    fields.insert(fields.end(), {"", "", error});
    ++failed_;
    if (first_failure_.empty()) first_failure_ = absl::StrCat("line ", row.line, ": ", error);
  }
  output_->Write(CsvLine(fields));
  return error.empty() ? Explain(row) : absl::OkStatus();
}

absl::Status TablePrediction::Explain(const PairBatch::Row& row) {
  if (arguments_.explain.directory.empty()) return absl::OkStatus();
  session_->console()->Progress("explaining", 0, 0, absl::StrCat(explanation_.explained(), " pairs"));
  return explanation_.Add(predicted_ + failed_, row.fields[smiles_column_], row.fields[sequence_column_]);
}

absl::Status TablePrediction::Finish(absl::Time start) {
  const int64_t rows = predicted_ + failed_;
  if (rows == 0) return UsageError(absl::StrCat("--input: ", arguments_.input, " has a header and no rows"));
  const double rate = static_cast<double>(rows) / std::max(absl::ToDoubleSeconds(absl::Now() - start), 1e-9);
  CLIENT_RETURN_IF_ERROR(output_->Commit());
  Console* console = session_->console();
  nlohmann::ordered_json json = {{"type", "prediction_file"},
                                 {"output", arguments_.output},
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
                                arguments_.output, predicted_, model_.model(), failed_, rate));
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

void AddExplainOptions(CLI::App* predict, PredictArguments* arguments) {
  static const std::map<std::string, v1::ExplainRequest::Detail> kDetails = {{"summary", v1::ExplainRequest::SUMMARY},
                                                                             {"layers", v1::ExplainRequest::LAYERS},
                                                                             {"heads", v1::ExplainRequest::HEADS}};
  CLI::Option* explain = predict->add_option(
      "--explain", arguments->explain.directory,
      "Directory for what the model attended to: row-N.json and row-N.svg for data row N, from 1; a single pair is row "
      "1");
  predict
      ->add_option_function<std::string>(
          "--explain-detail", [arguments](const std::string& name) { arguments->explain.detail = kDetails.at(name); },
          "summary, layers or heads in the JSON [layers]")
      ->check(CLI::IsMember({"summary", "layers", "heads"}))
      ->needs(explain);
  predict->add_flag("--atom-indices", arguments->explain.atom_indices, "Write each atom's index into the drawing")
      ->needs(explain);
}

}  // namespace

void AddPredictCommand(CLI::App* app, Action* action) {
  CLI::App* predict = app->add_subcommand("predict", "Predict the affinity of one pair, or of a CSV's")->fallthrough();
  auto arguments = std::make_shared<PredictArguments>();
  predict->add_option("--model", arguments->model, "A model's name or alias [default, or the only model]");
  CLI::Option* smiles = predict->add_option("--smiles", arguments->smiles, "The molecule, at most 4096 characters");
  CLI::Option* sequence =
      predict->add_option("--sequence", arguments->sequence, "The protein, one letter a residue, at most 10000");
  CLI::Option* input = predict->add_option(
      "--input", arguments->input,
      "CSV, also .gz, with columns compound_iso_smiles|smiles|drug and target_sequence|sequence|protein");
  CLI::Option* output = predict->add_option("--output", arguments->output,
                                            "CSV to write: the input's columns and predicted_affinity, predicted_unit, "
                                            "prediction_error");
  AddExplainOptions(predict, arguments.get());
  predict
      ->add_option("--protein-features", arguments->protein_features,
                   "Vectors for a model with protein features, by sequence or, with --input, also by id: .pt of "
                   "torch.save, or .npy with a .txt beside it [those that the model was trained with]")
      ->type_name("FILE");
  predict->callback([=] {
    const bool pair = smiles->count() > 0 || sequence->count() > 0;
    const bool table = input->count() > 0 || output->count() > 0;
    const bool complete =
        pair ? smiles->count() > 0 && sequence->count() > 0 : input->count() > 0 && output->count() > 0;
    if (pair == table || !complete) {
      throw CLI::ValidationError("predict",
                                 "give --smiles and --sequence for one pair, or --input and --output for a CSV");
    }
    *action = [=](Session* session) {
      return pair ? PredictPair(*arguments, session) : TablePrediction(*arguments, session).Run();
    };
  });
}

}  // namespace deepbindnet::client
