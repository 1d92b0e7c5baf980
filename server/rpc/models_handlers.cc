#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {

grpc::ServerUnaryReactor* Service::ListModels(grpc::CallbackServerContext* context,
                                              const v1::ListModelsRequest* request, v1::ListModelsResponse* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_ASSIGN_OR_RETURN(*response, deps_.store->ListModels(*request));
    for (v1::Model& model : *response->mutable_models()) model.set_loaded(deps_.models->IsLoaded(model.name()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                            v1::Model* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateName("model", request->model()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.models->Resolve(request->model()));
    response->set_loaded(deps_.models->IsLoaded(response->name()));
    return absl::OkStatus();
  });
}

}  // namespace deepbindnet
