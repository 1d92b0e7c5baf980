#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/exceptions.h"
#include "server/rpc/describe_model.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {

PredictionInput TakeInput(v1::PredictRequest* request) {
  const auto move_all = [](google::protobuf::RepeatedPtrField<std::string>* from, std::vector<std::string>* to) {
    to->assign(std::make_move_iterator(from->begin()), std::make_move_iterator(from->end()));
  };
  PredictionInput input;
  move_all(request->mutable_smiles(), &input.smiles);
  move_all(request->mutable_sequences(), &input.sequences);
  for (const v1::ProteinFeatures& features : request->protein_features()) {
    input.features.emplace_back(features.values().begin(), features.values().end());
  }
  input.pairs.reserve(request->pairs_size());
  for (const v1::PredictRequest::Pair& pair : request->pairs()) {
    input.pairs.push_back({static_cast<int>(pair.drug()), static_cast<int>(pair.target())});
  }
  return input;
}

namespace {

absl::Status CheckLength(const std::string& text, size_t most, absl::string_view what, absl::string_view reason) {
  if (text.size() <= most) return absl::OkStatus();
  return WithReason(absl::InvalidArgumentError(absl::StrCat("the ", what, " has ", text.size(),
                                                            " characters; this server takes at most ", most)),
                    reason);
}

// Takes the pairs out whose texts are too long; returns what is wrong with each of the request's pairs.
std::vector<absl::Status> TakeOutTooLong(const RequestLimits& limits, PredictionInput* input) {
  std::vector<absl::Status> errors;
  std::vector<PredictionInput::Pair> kept;
  for (const PredictionInput::Pair& pair : input->pairs) {
    errors.push_back(CheckTextLengths(*input, pair, limits));
    if (errors.back().ok()) kept.push_back(pair);
  }
  input->pairs = std::move(kept);
  return errors;
}

// `values` are of the pairs without an error, in their order.
void FillResponse(const ServedModel& model, const std::vector<absl::Status>& errors, const PredictTask::Values& values,
                  v1::PredictResponse* response) {
  DescribeModel(model, response);
  size_t next = 0;
  for (const absl::Status& error : errors) {
    const absl::StatusOr<double> value = error.ok() ? values[next++] : absl::StatusOr<double>(error);
    v1::Prediction* const prediction = response->add_predictions();
    if (value.ok()) {
      prediction->set_value(*value);
    } else {
      prediction->set_error(ClipText(value.status().message(), 1000));
      prediction->set_error_reason(GetReason(value.status()));
    }
  }
}

}  // namespace

grpc::ServerUnaryReactor* Service::Predict(grpc::CallbackServerContext* context, const v1::PredictRequest* request,
                                           v1::PredictResponse* response) {
  auto held = AdmitPrediction(*context, "Predict", request->ByteSizeLong());
  if (!held.ok()) return UnaryCall::End(held.status());
  // gRPC made the message for this call alone and does not look at it again.
  auto* const taken = const_cast<v1::PredictRequest*>(request);
  return UnaryCall::RunAsync(
      deps_.executor, DeadlineOf(*context), *std::move(held),
      [this, taken, response](UnaryCall* call) { return StartPrediction(taken, response, call); });
}

absl::Status CheckTextLengths(const PredictionInput& input, const PredictionInput::Pair& pair,
                              const RequestLimits& limits) {
  DBN_RETURN_IF_ERROR(CheckLength(input.smiles[pair.drug], limits.max_smiles_length, "SMILES", "INVALID_SMILES"));
  return CheckLength(input.sequences[pair.target], limits.max_sequence_length, "sequence", "SEQUENCE_TOO_LONG");
}

absl::StatusOr<std::shared_ptr<void>> Service::AdmitPrediction(const grpc::CallbackServerContext& context,
                                                               absl::string_view method, size_t bytes) {
  CallRecord record = DescribeCall(context, method);
  DBN_RETURN_IF_ERROR(Admit(context, &record));
  return CatchAll([&] { return HoldPredictBytes(bytes); });
}

absl::StatusOr<std::shared_ptr<void>> Service::HoldPredictBytes(size_t bytes) {
  const size_t before = predict_bytes_.fetch_add(bytes);
  auto held = std::shared_ptr<void>(nullptr, [this, bytes](void*) { predict_bytes_.fetch_sub(bytes); });
  if (before + bytes <= deps_.max_predict_bytes) return held;
  return WithReason(absl::ResourceExhaustedError(absl::StrCat("the predictions that wait hold ", before, " of ",
                                                              deps_.max_predict_bytes, " bytes; try again later")),
                    "PREDICT_QUEUE_FULL");
}

absl::Status Service::StartPrediction(v1::PredictRequest* request, v1::PredictResponse* response, UnaryCall* call) {
  DBN_RETURN_IF_ERROR(CheckAccepting());
  DBN_RETURN_IF_ERROR(ValidatePredict(*request, deps_.limits.max_pairs));
  const auto submit = [this, request, response, call](const absl::StatusOr<ServedModel>& model) {
    const absl::Status submitted = CatchAll([&]() -> absl::Status {
      DBN_RETURN_IF_ERROR(model.status());
      DBN_RETURN_IF_ERROR(call->CheckWanted());
      PredictTask task;
      task.predictor = model->predictor;
      task.input = TakeInput(request);
      std::vector<absl::Status> errors = TakeOutTooLong(deps_.limits, &task.input);
      if (task.input.pairs.empty()) {
        FillResponse(*model, errors, {}, response);
        call->Complete(absl::OkStatus());
        return absl::OkStatus();
      }
      task.deadline = call->deadline();
      task.cancelled = call->cancelled();
      task.done = [model = *model, errors = std::move(errors), response,
                   call](const absl::StatusOr<PredictTask::Values>& values) {
        call->Complete(CatchAll([&] {
          if (values.ok()) FillResponse(model, errors, *values, response);
          return values.status();
        }));
      };
      return deps_.batcher->Submit(std::move(task));
    });
    if (!submitted.ok()) call->Complete(submitted);
  };
  deps_.models->Get(request->model(), submit);
  return absl::OkStatus();
}

}  // namespace deepbindnet
