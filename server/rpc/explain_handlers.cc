#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/exceptions.h"
#include "core/inference/explanation_output.h"
#include "server/rpc/describe_model.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

ExplanationDetail DetailOf(const v1::ExplainRequest& request) {
  switch (request.detail()) {
    case v1::ExplainRequest::SUMMARY:
      return ExplanationDetail::kSummary;
    case v1::ExplainRequest::HEADS:
      return ExplanationDetail::kHeads;
    default:
      return ExplanationDetail::kLayers;
  }
}

absl::StatusOr<v1::ExplainedPair> ExplainPair(const Predictor& predictor, const PredictionInput& input, size_t pair,
                                              const v1::ExplainRequest& request, const RequestLimits& limits) {
  DBN_RETURN_IF_ERROR(CheckTextLengths(input, input.pairs[pair], limits));
  DBN_ASSIGN_OR_RETURN(const Explanation explanation, predictor.Explain(input, pair));
  v1::ExplainedPair explained;
  explained.set_value(explanation.value);
  explained.set_json(ExplanationJson(explanation, predictor.info(), DetailOf(request)));
  explained.set_text(ExplanationText(explanation));
  if (request.svg()) {
    DBN_ASSIGN_OR_RETURN(*explained.mutable_svg(), ExplanationSvg(explanation, request.atom_indices()));
  }
  return explained;
}

absl::Status TooLarge(size_t before) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat("the explanations of one call have at most ",
                                                            kMaxExplainBytes, " bytes, and those before have ", before,
                                                            "; ask for fewer pairs at once, or for less detail")),
                    "EXPLANATION_TOO_LARGE");
}

}  // namespace

grpc::ServerUnaryReactor* Service::Explain(grpc::CallbackServerContext* context, const v1::ExplainRequest* request,
                                           v1::ExplainResponse* response) {
  auto held = AdmitPrediction(*context, "Explain", request->ByteSizeLong());
  if (!held.ok()) return UnaryCall::End(held.status());
  // As in Predict.
  auto* const taken = const_cast<v1::ExplainRequest*>(request);
  return UnaryCall::RunAsync(
      deps_.executor, DeadlineOf(*context), *std::move(held),
      [this, taken, response](UnaryCall* call) { return StartExplanation(taken, response, call); });
}

absl::Status Service::StartExplanation(v1::ExplainRequest* request, v1::ExplainResponse* response, UnaryCall* call) {
  DBN_RETURN_IF_ERROR(CheckAccepting());
  DBN_RETURN_IF_ERROR(ValidateExplain(*request));
  const auto schedule = [this, request, response, call](const absl::StatusOr<ServedModel>& model) {
    const absl::Status scheduled = CatchAll([&]() -> absl::Status {
      DBN_RETURN_IF_ERROR(model.status());
      return deps_.explainer->Schedule([this, model = *model, request, response, call] {
        call->Complete(CatchAll([&] { return ExplainPairs(model, request, response, *call); }));
      });
    });
    if (!scheduled.ok()) call->Complete(scheduled);
  };
  deps_.models->Get(request->input().model(), schedule);
  return absl::OkStatus();
}

absl::Status Service::ExplainPairs(const ServedModel& model, v1::ExplainRequest* request, v1::ExplainResponse* response,
                                   const UnaryCall& call) const {
  DescribeModel(model, response);
  const PredictionInput input = TakeInput(request->mutable_input());
  size_t bytes = 0;
  for (size_t pair = 0; pair < input.pairs.size(); ++pair) {
    DBN_RETURN_IF_ERROR(call.CheckWanted());
    DBN_RETURN_IF_ERROR(CheckAccepting());
    absl::StatusOr<v1::ExplainedPair> explained = ExplainPair(*model.predictor, input, pair, *request, deps_.limits);
    if (explained.ok() && bytes + explained->ByteSizeLong() > kMaxExplainBytes) explained = TooLarge(bytes);
    if (explained.ok()) {
      bytes += explained->ByteSizeLong();
      *response->add_pairs() = *std::move(explained);
    } else if (absl::IsInvalidArgument(explained.status())) {
      v1::ExplainedPair* const failed = response->add_pairs();
      failed->set_error(ClipText(explained.status().message(), 1000));
      failed->set_error_reason(GetReason(explained.status()));
    } else {
      return explained.status();
    }
  }
  return absl::OkStatus();
}

}  // namespace deepbindnet
