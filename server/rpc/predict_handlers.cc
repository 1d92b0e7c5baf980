#include <utility>

#include "server/rpc/grpc_status.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

PredictionInput ToInput(const v1::PredictRequest& request) {
  PredictionInput input;
  input.smiles.assign(request.smiles().begin(), request.smiles().end());
  input.sequences.assign(request.sequences().begin(), request.sequences().end());
  input.pairs.reserve(request.pairs_size());
  for (const v1::PredictRequest::Pair& pair : request.pairs()) {
    input.pairs.push_back({static_cast<int>(pair.drug()), static_cast<int>(pair.target())});
  }
  return input;
}

void FillResponse(const LoadedModel& model, const PredictTask::Values& values, v1::PredictResponse* response) {
  response->set_model(model.name);
  response->set_model_digest(model.predictor->info().digest);
  response->set_affinity_unit(model.predictor->info().affinity_unit);
  for (const absl::StatusOr<double>& value : values) {
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
  const absl::Time deadline = absl::FromChrono(context->deadline());
  return UnaryCall::RunAsync(deps_.executor, [this, request, response, deadline](UnaryCall* call) {
    return StartPrediction(*request, deadline, response, call);
  });
}

absl::Status Service::StartPrediction(const v1::PredictRequest& request, absl::Time deadline,
                                      v1::PredictResponse* response, UnaryCall* call) {
  DBN_RETURN_IF_ERROR(CheckAccepting());
  DBN_RETURN_IF_ERROR(ValidatePredict(request));
  const auto submit = [this, &request, deadline, response, call](const absl::StatusOr<LoadedModel>& model) {
    if (!model.ok()) return call->Complete(model.status());
    const absl::Status submitted = CatchAll([&] {
      PredictTask task;
      task.predictor = model->predictor;
      task.input = ToInput(request);
      task.deadline = deadline;
      task.cancelled = call->cancelled();
      task.done = [model = *model, response, call](const absl::StatusOr<PredictTask::Values>& values) {
        call->Complete(CatchAll([&] {
          if (values.ok()) FillResponse(model, *values, response);
          return values.status();
        }));
      };
      return deps_.batcher->Submit(std::move(task));
    });
    if (!submitted.ok()) call->Complete(submitted);
  };
  deps_.models->Get(request.model(), submit);
  return absl::OkStatus();
}

}  // namespace deepbindnet
