#include "server/rpc/artifact_download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/exceptions.h"
#include "server/jobs/artifacts.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

constexpr uint64_t kChunkBytes = 256 << 10;

absl::Status ReadError(absl::string_view artifact, absl::string_view why) {
  return WithReason(absl::DataLossError(absl::StrCat("cannot read the artifact ", artifact, ": ", why)),
                    "ARTIFACT_NOT_READABLE");
}

}  // namespace

ArtifactDownload* ArtifactDownload::Start(JobEngine* engine, const DataLayout& layout, Executor* executor,
                                          std::function<absl::Status()> check_accepting, std::shared_ptr<void> held,
                                          const v1::DownloadArtifactRequest& request) {
  auto* download = new ArtifactDownload(engine, layout, executor, std::move(check_accepting), std::move(held), request);
  const absl::Status scheduled = CatchAll([&] { return executor->Schedule([download] { download->SendFirst(); }); });
  if (!scheduled.ok()) download->Finish(ToGrpcStatus(scheduled));
  return download;
}

ArtifactDownload::ArtifactDownload(JobEngine* engine, DataLayout layout, Executor* executor,
                                   std::function<absl::Status()> check_accepting, std::shared_ptr<void> held,
                                   v1::DownloadArtifactRequest request)
    : engine_(engine),
      layout_(std::move(layout)),
      executor_(executor),
      check_accepting_(std::move(check_accepting)),
      held_(std::move(held)),
      request_(std::move(request)) {}

void ArtifactDownload::SendFirst() {
  const absl::Status opened = CatchAll([this] { return Open(); });
  if (!opened.ok()) return Finish(ToGrpcStatus(opened));
  SendNext();
}

void ArtifactDownload::SendNext() {
  const absl::Status read = CatchAll([this] { return ReadChunk(); });
  if (!read.ok()) return Finish(ToGrpcStatus(read));
  StartWrite(&response_);
}

void ArtifactDownload::OnWriteDone(bool ok) {
  if (!ok) return Finish(ToGrpcStatus(absl::CancelledError("the caller has gone")));
  if (sent_bytes_ == size_bytes_) return Finish(grpc::Status::OK);
  const absl::Status scheduled = CatchAll([this] {
    executor_->ScheduleStep([this] { SendNext(); });
    return absl::OkStatus();
  });
  if (!scheduled.ok()) Finish(ToGrpcStatus(scheduled));
}

absl::Status ArtifactDownload::Open() {
  DBN_RETURN_IF_ERROR(ValidateJobReference(request_.job()));
  DBN_RETURN_IF_ERROR(ValidateArtifactName(request_.artifact()));
  DBN_ASSIGN_OR_RETURN(const v1::Job job, engine_->Get(request_.job()));
  DBN_ASSIGN_OR_RETURN(const std::string path, ArtifactPath(layout_, job, request_.artifact()));
  file_ = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file_.get() < 0) return ReadError(request_.artifact(), std::strerror(errno));
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) return ReadError(request_.artifact(), std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return ReadError(request_.artifact(), "it is not a file");
  size_bytes_ = static_cast<uint64_t>(status.st_size);
  response_.set_size_bytes(size_bytes_);
  return absl::OkStatus();
}

absl::Status ArtifactDownload::ReadChunk() {
  DBN_RETURN_IF_ERROR(check_accepting_());
  std::string* const chunk = response_.mutable_chunk();
  chunk->resize(std::min(kChunkBytes, size_bytes_ - sent_bytes_));
  for (size_t filled = 0; filled < chunk->size();) {
    const ssize_t count = read(file_.get(), chunk->data() + filled, chunk->size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ReadError(request_.artifact(), std::strerror(errno));
    if (count == 0) return ReadError(request_.artifact(), "it became shorter");
    filled += static_cast<size_t>(count);
  }
  digest_.Update(*chunk);
  if (sent_bytes_ > 0) response_.clear_size_bytes();
  sent_bytes_ += chunk->size();
  if (sent_bytes_ == size_bytes_) response_.set_sha256(digest_.Hex());
  return absl::OkStatus();
}

}  // namespace deepbindnet
