#include "absl/strings/str_cat.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {

grpc::ServerUnaryReactor* Service::ListModels(grpc::CallbackServerContext* context,
                                              const v1::ListModelsRequest* request, v1::ListModelsResponse* response) {
  return Run(*context, "ListModels", "", [this, request, response](CallRecord*) -> absl::Status {
    DBN_ASSIGN_OR_RETURN(*response, deps_.store->ListModels(*request));
    for (v1::Model& model : *response->mutable_models()) model.set_loaded(deps_.models->IsLoaded(model.name()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                            v1::Model* response) {
  return Run(*context, "GetModel", request->model(), [this, request, response](CallRecord*) -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateName("model", request->model()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.models->Resolve(request->model()));
    response->set_loaded(deps_.models->IsLoaded(response->name()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::DeleteModel(grpc::CallbackServerContext* context,
                                               const v1::DeleteModelRequest* request,
                                               v1::DeleteModelResponse* /*response*/) {
  return Run(*context, "DeleteModel", request->model(), [this, request](CallRecord* call) -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateName("model", request->model()));
    DBN_ASSIGN_OR_RETURN(const v1::Model model, deps_.store->GetModel(request->model()));
    DBN_RETURN_IF_ERROR(CheckOwner(call->caller, model.submitter(), absl::StrCat("model ", model.name())));
    DBN_RETURN_IF_ERROR(deps_.engine->DeleteModel(model.name()));
    deps_.models->Forget(model.name());
    return absl::OkStatus();
  });
}

}  // namespace deepbindnet
