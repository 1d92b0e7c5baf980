#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/dataset_upload.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {

grpc::ServerReadReactor<v1::PrepareDatasetRequest>* Service::PrepareDataset(grpc::CallbackServerContext* context,
                                                                            v1::Job* response) {
  auto stream = AdmitStream(*context, "PrepareDataset");
  if (!stream.ok()) return new RefusedStream<grpc::ServerReadReactor<v1::PrepareDatasetRequest>>(stream.status());
  return DatasetUpload::Start(
      {deps_.engine, deps_.store, deps_.executor, deps_.layout.UploadsDir(), deps_.limits.max_upload_bytes,
       deps_.limits.min_free_bytes, [this] { return CheckAccepting(); }},
      context, std::move(stream->record), std::move(stream->held), response);
}

grpc::ServerUnaryReactor* Service::ListDatasets(grpc::CallbackServerContext* context,
                                                const v1::ListDatasetsRequest* request,
                                                v1::ListDatasetsResponse* response) {
  return Run(*context, "ListDatasets", "", [this, request, response](CallRecord*) -> absl::Status {
    DBN_ASSIGN_OR_RETURN(*response, deps_.store->ListDatasets(*request));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::GetDataset(grpc::CallbackServerContext* context,
                                              const v1::GetDatasetRequest* request, v1::Dataset* response) {
  return Run(*context, "GetDataset", request->dataset(), [this, request, response](CallRecord*) -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateName("dataset", request->dataset()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.store->GetDataset(request->dataset()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::DeleteDataset(grpc::CallbackServerContext* context,
                                                 const v1::DeleteDatasetRequest* request,
                                                 v1::DeleteDatasetResponse* /*response*/) {
  return Run(*context, "DeleteDataset", request->dataset(), [this, request](CallRecord* call) -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateName("dataset", request->dataset()));
    DBN_ASSIGN_OR_RETURN(const v1::Dataset dataset, deps_.store->GetDataset(request->dataset()));
    DBN_RETURN_IF_ERROR(CheckOwner(call->caller, dataset.submitter(), absl::StrCat("data set ", dataset.name())));
    return deps_.engine->DeleteDataset(dataset.name());
  });
}

}  // namespace deepbindnet
