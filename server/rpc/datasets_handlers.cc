#include "server/rpc/dataset_upload.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {

grpc::ServerReadReactor<v1::PrepareDatasetRequest>* Service::PrepareDataset(grpc::CallbackServerContext* context,
                                                                            v1::Job* response) {
  return DatasetUpload::Start({deps_.engine, deps_.store, deps_.executor, deps_.layout.UploadsDir(),
                               deps_.max_upload_bytes, [this] { return CheckAccepting(); }},
                              context, response);
}

grpc::ServerUnaryReactor* Service::ListDatasets(grpc::CallbackServerContext* context,
                                                const v1::ListDatasetsRequest* request,
                                                v1::ListDatasetsResponse* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_ASSIGN_OR_RETURN(*response, deps_.store->ListDatasets(*request));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::GetDataset(grpc::CallbackServerContext* context,
                                              const v1::GetDatasetRequest* request, v1::Dataset* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateName("dataset", request->dataset()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.store->GetDataset(request->dataset()));
    return absl::OkStatus();
  });
}

}  // namespace deepbindnet
