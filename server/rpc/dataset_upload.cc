#include "server/rpc/dataset_upload.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/exceptions.h"
#include "core/base/file.h"
#include "server/convert/convert.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/job_policy.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

absl::Status WrongMessage(absl::string_view message) {
  return WithReason(absl::InvalidArgumentError(message), "WRONG_MESSAGE_ORDER");
}

}  // namespace

DatasetUpload* DatasetUpload::Start(DatasetUploadDependencies dependencies, grpc::CallbackServerContext* context,
                                    CallRecord record, std::shared_ptr<void> held, v1::Job* response) {
  auto* upload = new DatasetUpload(std::move(dependencies), context, std::move(record), std::move(held), response);
  upload->StartRead(&upload->message_);
  return upload;
}

DatasetUpload::DatasetUpload(DatasetUploadDependencies dependencies, grpc::CallbackServerContext* context,
                             CallRecord record, std::shared_ptr<void> held, v1::Job* response)
    : deps_(std::move(dependencies)),
      context_(context),
      record_(std::move(record)),
      held_(std::move(held)),
      response_(response) {}

void DatasetUpload::OnReadDone(bool ok) {
  const absl::Status scheduled = CatchAll([this, ok]() -> absl::Status {
    std::function<void()> step = ok ? std::function<void()>([this] { TakeMessage(); }) : [this] { TakeEnd(); };
    if (file_ == nullptr) return deps_.executor->Schedule(std::move(step));
    deps_.executor->ScheduleStep(std::move(step));
    return absl::OkStatus();
  });
  if (!scheduled.ok()) FinishWith(scheduled);
}

void DatasetUpload::TakeMessage() {
  const absl::Status taken = CatchAll([this]() -> absl::Status {
    switch (message_.part_case()) {
      case v1::PrepareDatasetRequest::kHeader:
        return TakeHeader();
      case v1::PrepareDatasetRequest::kChunk:
        return TakeChunk();
      case v1::PrepareDatasetRequest::PART_NOT_SET:
        break;
    }
    return WrongMessage("a message has neither a header nor a chunk");
  });
  if (!taken.ok() || is_answered_) return FinishWith(taken);
  StartRead(&message_);
}

void DatasetUpload::TakeEnd() {
  FinishWith(CatchAll([this]() -> absl::Status {
    if (context_->IsCancelled()) return absl::CancelledError("the caller cancelled the upload");
    if (file_ == nullptr) return WrongMessage("the stream has no header; send it first");
    return SubmitFile();
  }));
}

absl::Status DatasetUpload::TakeHeader() {
  if (file_ != nullptr) return WrongMessage("the stream has a second header; send chunks after the first");
  DBN_RETURN_IF_ERROR(deps_.check_accepting());
  header_ = message_.header();
  record_.target = header_.spec().dataset();
  DBN_RETURN_IF_ERROR(ValidateUploadHeader(header_, deps_.max_bytes));
  DBN_RETURN_IF_ERROR(CheckSpace());
  DBN_ASSIGN_OR_RETURN(const PreprocessOptions options, FromProto(header_.spec()));
  *header_.mutable_spec()->mutable_split() = ToProto(options.split);
  header_.mutable_spec()->set_max_rejected(options.max_rejected);
  DBN_ASSIGN_OR_RETURN(JobSubmission submission, MakeSubmission());
  if (!header_.request_id().empty()) {
    DBN_ASSIGN_OR_RETURN(const std::optional<v1::Job> earlier, deps_.store->FindJobByRequestId(header_.request_id()));
    if (earlier.has_value()) {
      DBN_ASSIGN_OR_RETURN(*response_, deps_.engine->Submit(submission));
      is_answered_ = true;
      return absl::OkStatus();
    }
  }
  // A name that is taken is better refused before gigabytes have been sent than after.
  submission.validate_only = true;
  DBN_RETURN_IF_ERROR(deps_.engine->Submit(submission).status());
  DBN_ASSIGN_OR_RETURN(file_, UploadFile::Create(deps_.uploads_dir, header_.size_bytes()));
  return absl::OkStatus();
}

absl::Status DatasetUpload::CheckSpace() const {
  const uint64_t free_bytes = FreeBytes(deps_.uploads_dir);
  if (free_bytes >= deps_.min_free_bytes && free_bytes - deps_.min_free_bytes >= header_.size_bytes()) {
    return absl::OkStatus();
  }
  return WithReason(absl::ResourceExhaustedError(
                        absl::StrCat("the server's disk has ", free_bytes >> 20, " MiB left, too little for a file of ",
                                     header_.size_bytes() >> 20, " MiB; try again when there is more space")),
                    "DISK_FULL");
}

absl::Status DatasetUpload::TakeChunk() {
  DBN_RETURN_IF_ERROR(deps_.check_accepting());
  if (file_ == nullptr) return WrongMessage("the stream begins with a chunk; send the header first");
  if (message_.chunk().size() > kMaxChunkBytes) {
    return InvalidField("chunk", absl::StrCat(message_.chunk().size(), " bytes"), "are too many; send at most 1 MiB");
  }
  return file_->Append(message_.chunk());
}

absl::StatusOr<JobSubmission> DatasetUpload::MakeSubmission() const {
  JobSubmission submission;
  *submission.spec.mutable_prepare_dataset() = header_.spec();
  DBN_RETURN_IF_ERROR(TakePolicy(header_, "header.", &submission));
  submission.submitter = record_.caller.name;
  return submission;
}

absl::Status DatasetUpload::SubmitFile() {
  DBN_RETURN_IF_ERROR(file_->Commit(header_.sha256()));
  DBN_ASSIGN_OR_RETURN(JobSubmission submission, MakeSubmission());
  submission.input_file = file_->path();
  DBN_ASSIGN_OR_RETURN(*response_, deps_.engine->Submit(submission));
  file_->Release();
  return absl::OkStatus();
}

void DatasetUpload::FinishWith(const absl::Status& status) {
  file_.reset();
  if (status.ok()) record_.job_id = response_->id();
  WriteAudit(record_, status);
  Finish(ToGrpcStatus(status));
}

}  // namespace deepbindnet
