// The service deepbindnet.v1.DeepBindNet: thin handlers over the job engine, the store and the batcher. What blocks
// runs on the executor, never on a gRPC thread. The methods' contracts are in proto/deepbindnet/v1/deepbindnet.proto.
#ifndef DEEPBINDNET_SERVER_RPC_SERVICE_H_
#define DEEPBINDNET_SERVER_RPC_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.grpc.pb.h"
#include "server/auth/authenticator.h"
#include "server/jobs/job_engine.h"
#include "server/predict/batcher.h"
#include "server/predict/model_registry.h"
#include "server/rpc/call_record.h"
#include "server/rpc/executor.h"
#include "server/rpc/job_watch.h"
#include "server/rpc/request_limits.h"
#include "server/rpc/stream_limiter.h"
#include "server/store/data_layout.h"
#include "server/store/store.h"

namespace deepbindnet {

class UnaryCall;

// What the handlers work with. All pointers must outlive the gRPC server.
struct ServiceDependencies {
  JobEngine* engine = nullptr;
  Store* store = nullptr;
  ModelRegistry* models = nullptr;
  Batcher* batcher = nullptr;
  Executor* executor = nullptr;
  Executor* explainer = nullptr;  // One thread, which computes what Explain is asked for.
  const Authenticator* authenticator = nullptr;
  DataLayout layout;
  RequestLimits limits;
  bool tls = false;  // What GetServerStatus says of it.
  // Of the Predict and Explain requests that have not been answered, together.
  size_t max_predict_bytes = size_t{512} << 20;
  std::string version;
  absl::Time start_time;
  std::vector<std::string> devices;
};

// Thread-safe. Every handler lets in those whose role the API's definition asks for, and nobody else. Files:
// service.cc, jobs_handlers.cc, datasets_handlers.cc, models_handlers.cc, predict_handlers.cc, explain_handlers.cc,
// status_handlers.cc, later_handlers.cc.
class Service final : public v1::DeepBindNet::CallbackService {
 public:
  explicit Service(ServiceDependencies dependencies);

  // From now on new work (trainings, comparisons, predictions) is refused with UNAVAILABLE, and uploads and downloads
  // end with it before their next chunk; other reading goes on.
  void StartDraining() { is_draining_.store(true); }

  // Ends every WatchJob with UNAVAILABLE once it has sent what is in the journal.
  void EndWatches() { watches_.EndAll(); }

  // Not for the eyes of clients.
  const std::string& data_dir() const { return deps_.layout.data_dir; }

  grpc::ServerUnaryReactor* StartTraining(grpc::CallbackServerContext* context, const v1::StartTrainingRequest* request,
                                          v1::Job* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::Job* response) override;
  grpc::ServerWriteReactor<v1::JobEvent>* WatchJob(grpc::CallbackServerContext* context,
                                                   const v1::WatchJobRequest* request) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context, const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context, const v1::CancelJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* PauseJob(grpc::CallbackServerContext* context, const v1::PauseJobRequest* request,
                                     v1::Job* response) override;
  grpc::ServerUnaryReactor* ResumeJob(grpc::CallbackServerContext* context, const v1::ResumeJobRequest* request,
                                      v1::Job* response) override;
  grpc::ServerUnaryReactor* DeleteJob(grpc::CallbackServerContext* context, const v1::DeleteJobRequest* request,
                                      v1::DeleteJobResponse* response) override;
  grpc::ServerUnaryReactor* Compare(grpc::CallbackServerContext* context, const v1::CompareRequest* request,
                                    v1::Job* response) override;
  grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* DownloadArtifact(
      grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) override;

  grpc::ServerReadReactor<v1::PrepareDatasetRequest>* PrepareDataset(grpc::CallbackServerContext* context,
                                                                     v1::Job* response) override;
  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* context, const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override;
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context, const v1::GetDatasetRequest* request,
                                       v1::Dataset* response) override;
  grpc::ServerUnaryReactor* DeleteDataset(grpc::CallbackServerContext* context, const v1::DeleteDatasetRequest* request,
                                          v1::DeleteDatasetResponse* response) override;

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context, const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context, const v1::GetModelRequest* request,
                                     v1::Model* response) override;
  grpc::ServerUnaryReactor* DeleteModel(grpc::CallbackServerContext* context, const v1::DeleteModelRequest* request,
                                        v1::DeleteModelResponse* response) override;

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context, const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context, const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;

  grpc::ServerUnaryReactor* GetServerStatus(grpc::CallbackServerContext* context,
                                            const v1::GetServerStatusRequest* request,
                                            v1::ServerStatus* response) override;
  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context, const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override;

  // Not implemented by this version.
  grpc::ServerUnaryReactor* PromoteModel(grpc::CallbackServerContext* context, const v1::PromoteModelRequest* request,
                                         v1::Model* response) override;
  grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse>* PredictStream(
      grpc::CallbackServerContext* context) override;

 private:
  struct AdmittedStream {
    CallRecord record;
    std::shared_ptr<void> held;  // Its place among the client's streams.
  };

  // UNAVAILABLE while the server drains.
  absl::Status CheckAccepting() const;

  // Fills in the caller. UNAUTHENTICATED, PERMISSION_DENIED.
  absl::Status Admit(const grpc::CallbackServerContext& context, CallRecord* record) const;
  absl::StatusOr<AdmittedStream> AdmitStream(const grpc::CallbackServerContext& context, absl::string_view method);

  // Admits the caller, runs `body` on the executor, and writes the audit log's line where there is one. `target` is
  // what the call is about.
  grpc::ServerUnaryReactor* Run(const grpc::CallbackServerContext& context, absl::string_view method,
                                const std::string& target, std::function<absl::Status(CallRecord*)> body);

  absl::Status Submit(JobSubmission submission, CallRecord* call, v1::Job* response);
  // The id of a job that the caller may change.
  absl::StatusOr<std::string> FindOwn(const std::string& job, CallRecord* call);
  grpc::ServerUnaryReactor* Steer(const grpc::CallbackServerContext& context, absl::string_view method,
                                  const std::string& job,
                                  absl::StatusOr<v1::Job> (JobEngine::*steer)(const std::string&), v1::Job* response);

  // Of Predict and Explain: the caller's role, and HoldPredictBytes().
  absl::StatusOr<std::shared_ptr<void>> AdmitPrediction(const grpc::CallbackServerContext& context,
                                                        absl::string_view method, size_t bytes);

  // Counts `bytes` as held until the handle goes. RESOURCE_EXHAUSTED where max_predict_bytes would be exceeded.
  absl::StatusOr<std::shared_ptr<void>> HoldPredictBytes(size_t bytes);

  // Takes the texts out of `request`.
  absl::Status StartPrediction(v1::PredictRequest* request, v1::PredictResponse* response, UnaryCall* call);
  absl::Status StartExplanation(v1::ExplainRequest* request, v1::ExplainResponse* response, UnaryCall* call);

  // On the explainer's thread: one pair after the other, while somebody waits and the server does not drain.
  absl::Status ExplainPairs(const ServedModel& model, v1::ExplainRequest* request, v1::ExplainResponse* response,
                            const UnaryCall& call) const;

  const ServiceDependencies deps_;
  std::atomic<bool> is_draining_{false};
  std::atomic<size_t> predict_bytes_{0};
  StreamLimiter streams_;
  WatchSet watches_;
};

// The options that a StartTraining request means: complete, whatever the request left out. INVALID_ARGUMENT names the
// field.
absl::StatusOr<v1::TrainSpec> CompleteTrainSpec(const v1::TrainSpec& spec);

// What the model computes of a request. Moves the texts out of it, because a request may be large.
PredictionInput TakeInput(v1::PredictRequest* request);

// INVALID_ARGUMENT (INVALID_SMILES, SEQUENCE_TOO_LONG) where a text of the pair is longer than the operator allows.
absl::Status CheckTextLengths(const PredictionInput& input, const PredictionInput::Pair& pair,
                              const RequestLimits& limits);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_SERVICE_H_
