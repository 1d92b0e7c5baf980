#include <utility>

#include "absl/strings/str_cat.h"
#include "core/training/rank_place.h"
#include "core/training/training_options.h"
#include "server/convert/convert.h"
#include "server/rpc/artifact_download.h"
#include "server/rpc/job_policy.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

absl::StatusOr<JobSubmission> MakeTrainSubmission(const v1::StartTrainingRequest& request) {
  JobSubmission submission;
  DBN_ASSIGN_OR_RETURN(*submission.spec.mutable_train(), CompleteTrainSpec(request.spec()));
  DBN_RETURN_IF_ERROR(TakePolicy(request, "", &submission));
  submission.validate_only = request.validate_only();
  return submission;
}

absl::StatusOr<JobSubmission> MakeCompareSubmission(const v1::CompareRequest& request) {
  JobSubmission submission;
  DBN_RETURN_IF_ERROR(ValidateCompare(request.spec()));
  *submission.spec.mutable_compare() = request.spec();
  DBN_RETURN_IF_ERROR(TakePolicy(request, "", &submission));
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
  return Run(*context, "StartTraining", request->spec().model(),
             [this, request, response](CallRecord* call) -> absl::Status {
               DBN_RETURN_IF_ERROR(CheckAccepting());
               DBN_ASSIGN_OR_RETURN(JobSubmission submission, MakeTrainSubmission(*request));
               return Submit(std::move(submission), call, response);
             });
}

grpc::ServerUnaryReactor* Service::Compare(grpc::CallbackServerContext* context, const v1::CompareRequest* request,
                                           v1::Job* response) {
  return Run(*context, "Compare", request->spec().name(), [this, request, response](CallRecord* call) -> absl::Status {
    DBN_RETURN_IF_ERROR(CheckAccepting());
    DBN_ASSIGN_OR_RETURN(JobSubmission submission, MakeCompareSubmission(*request));
    return Submit(std::move(submission), call, response);
  });
}

absl::Status Service::Submit(JobSubmission submission, CallRecord* call, v1::Job* response) {
  submission.submitter = call->caller.name;
  DBN_ASSIGN_OR_RETURN(*response, deps_.engine->Submit(submission));
  call->job_id = response->id();
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* Service::GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                             v1::Job* response) {
  return Run(*context, "GetStatus", request->job(), [this, request, response](CallRecord*) -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateJobReference(request->job()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->Get(request->job()));
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<v1::JobEvent>* Service::WatchJob(grpc::CallbackServerContext* context,
                                                          const v1::WatchJobRequest* request) {
  auto stream = AdmitStream(*context, "WatchJob");
  if (!stream.ok()) return new RefusedStream<grpc::ServerWriteReactor<v1::JobEvent>>(stream.status());
  return JobWatch::Start(deps_.engine, deps_.executor, &watches_, std::move(stream->held), *request);
}

grpc::ServerUnaryReactor* Service::ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                            v1::ListJobsResponse* response) {
  return Run(*context, "ListJobs", "", [this, request, response](CallRecord*) -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateFilter("name_prefix", request->name_prefix()));
    DBN_RETURN_IF_ERROR(ValidateFilter("submitter", request->submitter()));
    DBN_ASSIGN_OR_RETURN(*response, deps_.engine->List(*request));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> Service::FindOwn(const std::string& job, CallRecord* call) {
  DBN_RETURN_IF_ERROR(ValidateJobReference(job));
  DBN_ASSIGN_OR_RETURN(const v1::Job found, deps_.engine->Get(job));
  call->job_id = found.id();
  DBN_RETURN_IF_ERROR(CheckOwner(call->caller, found.submitter(), absl::StrCat("job ", found.id())));
  return found.id();
}

grpc::ServerUnaryReactor* Service::Steer(const grpc::CallbackServerContext& context, absl::string_view method,
                                         const std::string& job,
                                         absl::StatusOr<v1::Job> (JobEngine::*steer)(const std::string&),
                                         v1::Job* response) {
  return Run(context, method, job, [this, &job, steer, response](CallRecord* call) -> absl::Status {
    DBN_ASSIGN_OR_RETURN(const std::string id, FindOwn(job, call));
    DBN_ASSIGN_OR_RETURN(*response, (deps_.engine->*steer)(id));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::CancelJob(grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
                                             v1::Job* response) {
  return Steer(*context, "CancelJob", request->job(), &JobEngine::Cancel, response);
}

grpc::ServerUnaryReactor* Service::PauseJob(grpc::CallbackServerContext* context, const v1::PauseJobRequest* request,
                                            v1::Job* response) {
  return Steer(*context, "PauseJob", request->job(), &JobEngine::Pause, response);
}

grpc::ServerUnaryReactor* Service::ResumeJob(grpc::CallbackServerContext* context, const v1::ResumeJobRequest* request,
                                             v1::Job* response) {
  return Steer(*context, "ResumeJob", request->job(), &JobEngine::Resume, response);
}

grpc::ServerUnaryReactor* Service::DeleteJob(grpc::CallbackServerContext* context, const v1::DeleteJobRequest* request,
                                             v1::DeleteJobResponse* /*response*/) {
  return Run(*context, "DeleteJob", request->job(), [this, request](CallRecord* call) -> absl::Status {
    DBN_ASSIGN_OR_RETURN(const std::string id, FindOwn(request->job(), call));
    return deps_.engine->Delete(id);
  });
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* Service::DownloadArtifact(
    grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) {
  auto stream = AdmitStream(*context, "DownloadArtifact");
  if (!stream.ok()) return new RefusedStream<grpc::ServerWriteReactor<v1::DownloadArtifactResponse>>(stream.status());
  return ArtifactDownload::Start(
      deps_.engine, deps_.layout, deps_.executor, [this] { return CheckAccepting(); }, std::move(stream->held),
      *request);
}

}  // namespace deepbindnet
