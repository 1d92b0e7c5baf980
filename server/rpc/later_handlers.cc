#include "absl/strings/str_cat.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/service.h"

namespace deepbindnet {
namespace {

absl::Status NotImplemented(absl::string_view method) {
  return WithReason(absl::UnimplementedError(absl::StrCat(method, " is not implemented by this version")),
                    "NOT_IMPLEMENTED", {{"method", std::string(method)}});
}

}  // namespace

grpc::ServerUnaryReactor* Service::PromoteModel(grpc::CallbackServerContext* context,
                                                const v1::PromoteModelRequest* request, v1::Model* /*response*/) {
  return Run(*context, "PromoteModel", request->model(), [](CallRecord*) { return NotImplemented("PromoteModel"); });
}

grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse>* Service::PredictStream(
    grpc::CallbackServerContext* context) {
  const auto stream = AdmitStream(*context, "PredictStream");
  return new RefusedStream<grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse>>(
      stream.ok() ? NotImplemented("PredictStream") : stream.status());
}

}  // namespace deepbindnet
