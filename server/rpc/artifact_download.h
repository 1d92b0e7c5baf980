// DownloadArtifact: one file sent in chunks.
#ifndef DEEPBINDNET_SERVER_RPC_ARTIFACT_DOWNLOAD_H_
#define DEEPBINDNET_SERVER_RPC_ARTIFACT_DOWNLOAD_H_

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/file_descriptor.h"
#include "core/base/sha256.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "server/jobs/job_engine.h"
#include "server/rpc/executor.h"
#include "server/store/data_layout.h"

namespace deepbindnet {

// A chain of one step at a time: read a chunk on the executor, write it, read the next. The file is sent as long as it
// was when it was opened, even if it grows or is replaced meanwhile. An error of `check_accepting` ends it before the
// next chunk. Deletes itself once gRPC is done with it.
class ArtifactDownload final : public grpc::ServerWriteReactor<v1::DownloadArtifactResponse> {
 public:
  // `engine` and `executor` must outlive the call.
  static ArtifactDownload* Start(JobEngine* engine, const DataLayout& layout, Executor* executor,
                                 std::function<absl::Status()> check_accepting, std::shared_ptr<void> held,
                                 const v1::DownloadArtifactRequest& request);

 private:
  ArtifactDownload(JobEngine* engine, DataLayout layout, Executor* executor,
                   std::function<absl::Status()> check_accepting, std::shared_ptr<void> held,
                   v1::DownloadArtifactRequest request);

  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

  void SendFirst();
  void SendNext();
  absl::Status Open();
  absl::Status ReadChunk();

  JobEngine* const engine_;
  const DataLayout layout_;
  Executor* const executor_;
  const std::function<absl::Status()> check_accepting_;
  const std::shared_ptr<void> held_;
  const v1::DownloadArtifactRequest request_;
  FileDescriptor file_;
  uint64_t size_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  Sha256 digest_;
  v1::DownloadArtifactResponse response_;  // Being written.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_ARTIFACT_DOWNLOAD_H_
