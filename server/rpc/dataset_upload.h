// PrepareDataset: a file received in chunks, then a job.
#ifndef DEEPBINDNET_SERVER_RPC_DATASET_UPLOAD_H_
#define DEEPBINDNET_SERVER_RPC_DATASET_UPLOAD_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "server/jobs/job_engine.h"
#include "server/rpc/call_record.h"
#include "server/rpc/executor.h"
#include "server/rpc/upload_file.h"
#include "server/store/store.h"

namespace deepbindnet {

struct DatasetUploadDependencies {
  JobEngine* engine = nullptr;  // All must outlive the call.
  Store* store = nullptr;
  Executor* executor = nullptr;
  std::string uploads_dir;
  uint64_t max_bytes = 0;
  uint64_t min_free_bytes = 0;                    // That the upload leaves on the disk.
  std::function<absl::Status()> check_accepting;  // An error refuses the upload, or ends it before the next chunk.
};

// A chain of one step at a time: read a message, take it in on the executor, read the next. The file lies under a
// temporary name until its size and digest are right; whatever fails, nothing of it is left when the caller hears so.
// Deletes itself once gRPC is done with it.
class DatasetUpload final : public grpc::ServerReadReactor<v1::PrepareDatasetRequest> {
 public:
  // `response` is filled before the call ends with OK. `held` is let go when it ends.
  static DatasetUpload* Start(DatasetUploadDependencies dependencies, grpc::CallbackServerContext* context,
                              CallRecord record, std::shared_ptr<void> held, v1::Job* response);

 private:
  DatasetUpload(DatasetUploadDependencies dependencies, grpc::CallbackServerContext* context, CallRecord record,
                std::shared_ptr<void> held, v1::Job* response);

  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

  // On the executor.
  void TakeMessage();
  void TakeEnd();
  absl::Status TakeHeader();
  absl::Status CheckSpace() const;
  absl::Status TakeChunk();
  absl::Status SubmitFile();
  absl::StatusOr<JobSubmission> MakeSubmission() const;
  void FinishWith(const absl::Status& status);

  const DatasetUploadDependencies deps_;
  grpc::CallbackServerContext* const context_;
  CallRecord record_;
  const std::shared_ptr<void> held_;
  v1::Job* const response_;
  v1::PrepareDatasetRequest message_;
  v1::PrepareDatasetRequest::Header header_;
  std::unique_ptr<UploadFile> file_;  // Null until the header is accepted.
  bool is_answered_ = false;          // The request_id was seen before: response_ is that job.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_DATASET_UPLOAD_H_
