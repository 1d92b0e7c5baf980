#include <utility>

#include "absl/strings/str_cat.h"
#include "core/training/rank_place.h"
#include "core/training/training_options.h"
#include "server/convert/convert.h"
#include "server/rpc/artifact_download.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

constexpr int kMaxPriority = 100;
constexpr uint32_t kMaxRestarts = 100;
constexpr uint32_t kDefaultRestarts = 3;

absl::StatusOr<JobSubmission> MakeTrainSubmission(const v1::StartTrainingRequest& request) {
  JobSubmission submission;
  DBN_ASSIGN_OR_RETURN(*submission.spec.mutable_train(), CompleteTrainSpec(request.spec()));
  DBN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  if (request.priority() < -kMaxPriority || request.priority() > kMaxPriority) {
    return InvalidField("priority", absl::StrCat(request.priority()), "is not in -100..100");
  }
  const uint32_t max_restarts = request.has_max_restarts() ? request.max_restarts() : kDefaultRestarts;
  if (max_restarts > kMaxRestarts) {
    return InvalidField("max_restarts", absl::StrCat(max_restarts), "is not in 0..100");
  }
  submission.request_id = request.request_id();
  submission.priority = request.priority();
  submission.max_restarts = static_cast<int>(max_restarts);
  submission.validate_only = request.validate_only();
  return submission;
}

}  // namespace

absl::StatusOr<v1::TrainSpec> CompleteTrainSpec(const v1::TrainSpec& spec) {
  DBN_RETURN_IF_ERROR(ValidateName("spec.model", spec.model()));
  DBN_RETURN_IF_ERROR(ValidateName("spec.dataset", spec.dataset()));
  v1::TrainSpec complete = spec;
  DBN_ASSIGN_OR_RETURN(*complete.mutable_options(), Complete(spec.options()));
  const int processes = static_cast<int>(complete.options().num_processes());
  DBN_RETURN_IF_ERROR(CheckProcessesFit(processes, TrainingOptions().device));
  return complete;
}

grpc::ServerUnaryReactor* Service::StartTraining(grpc::CallbackServerContext* context,
                                                 const v1::StartTrainingRequest* request, v1::Job* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_RETURN_IF_ERROR(CheckAccepting());
    DBN_ASSIGN_OR_RETURN(const JobSubmission submission, MakeTrainSubmission(*request));
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->Submit(submission));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                             v1::Job* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateJobReference(request->job()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->Get(request->job()));
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<v1::JobEvent>* Service::WatchJob(grpc::CallbackServerContext* /*context*/,
                                                          const v1::WatchJobRequest* request) {
  return JobWatch::Start(deps_.engine, deps_.executor, &watches_, *request);
}

grpc::ServerUnaryReactor* Service::ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                            v1::ListJobsResponse* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->List(*request));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::CancelJob(grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
                                             v1::Job* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateJobReference(request->job()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->Cancel(request->job()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::Compare(grpc::CallbackServerContext* context, const v1::CompareRequest* request,
                                           v1::Job* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, request, response]() -> absl::Status {
    DBN_RETURN_IF_ERROR(CheckAccepting());
    DBN_RETURN_IF_ERROR(ValidateCompare(request->spec()));
    DBN_RETURN_IF_ERROR(ValidateRequestId(request->request_id()));
    JobSubmission submission;
    *submission.spec.mutable_compare() = request->spec();
    submission.request_id = request->request_id();
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->Submit(submission));
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* Service::DownloadArtifact(
    grpc::CallbackServerContext* /*context*/, const v1::DownloadArtifactRequest* request) {
  return ArtifactDownload::Start(
      deps_.engine, deps_.layout, deps_.executor, [this] { return CheckAccepting(); }, *request);
}

}  // namespace deepbindnet
