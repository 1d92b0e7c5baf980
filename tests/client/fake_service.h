// A server in this process on a loopback port that answers as a test tells it to.
#ifndef DEEPBINDNET_TESTS_CLIENT_FAKE_SERVICE_H_
#define DEEPBINDNET_TESTS_CLIENT_FAKE_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "deepbindnet/v1/deepbindnet.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace deepbindnet::client {

// An error as the real server sends it, with google.rpc.ErrorInfo.
inline grpc::Status ErrorWithInfo(grpc::StatusCode code, const std::string& message, const std::string& reason,
                                  const std::map<std::string, std::string>& metadata = {}) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("deepbindnet");
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  google::rpc::Status details;
  details.set_code(code);
  details.add_details()->PackFrom(info);
  return grpc::Status(code, message, details.SerializeAsString());
}

// Answers whole calls with what the functions below return; a stream of a job's events can be cut.
class FakeService final : public v1::DeepBindNet::Service {
 public:
  // What a WatchJob call sends before it ends with `end`, given the sequence asked for.
  struct Watch {
    std::vector<v1::JobEvent> events;
    grpc::Status end;
  };

  std::function<grpc::Status(const v1::StartTrainingRequest&, v1::Job*)> start_training;
  std::function<grpc::Status(const v1::CompareRequest&, v1::Job*)> compare;
  std::function<grpc::Status(const v1::PrepareDatasetRequest::Header&, v1::Job*)> prepare;  // Empty: accepts.
  std::function<grpc::Status(v1::Job*)> get_status;
  std::function<grpc::Status(const v1::ListJobsRequest&, v1::ListJobsResponse*)> list_jobs;
  std::function<grpc::Status(const std::string&job, v1::Job*)> pause, resume, cancel;
  std::function<grpc::Status(const std::string& what)> remove;  // "job/ID", "dataset/NAME" or "model/NAME"
  std::function<Watch(uint64_t from_sequence)> watch;
  std::function<grpc::Status(const v1::PredictRequest&, v1::PredictResponse*)> predict;
  std::function<grpc::Status(const v1::ExplainRequest&, v1::ExplainResponse*)> explain;
  std::function<grpc::Status(v1::ServerStatus*)> server_status;
  std::function<grpc::Status(const std::string& level, v1::SetLogLevelResponse*)> set_log_level;
  std::function<grpc::Status(v1::ListDatasetsResponse*)> list_datasets;
  std::function<grpc::Status(v1::ListModelsResponse*)> list_models;
  v1::PrepareDatasetRequest::Header upload_header;  // Of the last upload; read after the call.
  std::string uploaded;
  size_t largest_chunk = 0;
  std::string artifact = "artifact";  // Contents of every artifact.
  std::string artifact_digest;        // What the server says it is.
  std::vector<uint64_t> watched_from() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return watched_from_;
  }
  // "job/artifact" of each download, in order.
  std::vector<std::string> downloads() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return downloads_;
  }
  // Metadata of GetServerStatus: of the last call, and of each.
  std::string authorization() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return authorization_;
  }
  std::vector<std::string> request_ids() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return request_ids_;
  }

 private:
  static std::string Metadata(const grpc::ServerContext& context, const char* key) {
    const auto entry = context.client_metadata().find(key);
    return entry == context.client_metadata().end() ? "" : std::string(entry->second.data(), entry->second.size());
  }
  grpc::Status StartTraining(grpc::ServerContext*, const v1::StartTrainingRequest* request, v1::Job* job) override {
    return start_training(*request, job);
  }
  grpc::Status Compare(grpc::ServerContext*, const v1::CompareRequest* request, v1::Job* job) override {
    return compare(*request, job);
  }
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::Job* job) override {
    return get_status(job);
  }
  grpc::Status ListJobs(grpc::ServerContext*, const v1::ListJobsRequest* request,
                        v1::ListJobsResponse* response) override {
    return list_jobs(*request, response);
  }
  grpc::Status ListDatasets(grpc::ServerContext*, const v1::ListDatasetsRequest*,
                            v1::ListDatasetsResponse* response) override {
    return list_datasets ? list_datasets(response) : grpc::Status::OK;
  }
  grpc::Status ListModels(grpc::ServerContext*, const v1::ListModelsRequest*,
                          v1::ListModelsResponse* response) override {
    return list_models(response);
  }
  grpc::Status PauseJob(grpc::ServerContext*, const v1::PauseJobRequest* request, v1::Job* job) override {
    return pause(request->job(), job);
  }
  grpc::Status ResumeJob(grpc::ServerContext*, const v1::ResumeJobRequest* request, v1::Job* job) override {
    return resume(request->job(), job);
  }
  grpc::Status CancelJob(grpc::ServerContext*, const v1::CancelJobRequest* request, v1::Job* job) override {
    return cancel(request->job(), job);
  }
  grpc::Status DeleteJob(grpc::ServerContext*, const v1::DeleteJobRequest* request, v1::DeleteJobResponse*) override {
    return remove("job/" + request->job());
  }
  grpc::Status DeleteDataset(grpc::ServerContext*, const v1::DeleteDatasetRequest* request,
                             v1::DeleteDatasetResponse*) override {
    return remove("dataset/" + request->dataset());
  }
  grpc::Status DeleteModel(grpc::ServerContext*, const v1::DeleteModelRequest* request,
                           v1::DeleteModelResponse*) override {
    return remove("model/" + request->model());
  }
  grpc::Status WatchJob(grpc::ServerContext*, const v1::WatchJobRequest* request,
                        grpc::ServerWriter<v1::JobEvent>* writer) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      watched_from_.push_back(request->from_sequence());
    }
    const Watch answer = watch(request->from_sequence());
    for (const v1::JobEvent& event : answer.events) writer->Write(event);
    return answer.end;
  }
  grpc::Status PrepareDataset(grpc::ServerContext*, grpc::ServerReader<v1::PrepareDatasetRequest>* reader,
                              v1::Job* job) override {
    v1::PrepareDatasetRequest request;
    reader->Read(&request);
    upload_header = request.header();
    while (reader->Read(&request)) {
      uploaded += request.chunk();
      largest_chunk = std::max(largest_chunk, request.chunk().size());
    }
    job->set_id("upload");
    return prepare ? prepare(upload_header, job) : grpc::Status::OK;
  }
  grpc::Status Predict(grpc::ServerContext*, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override {
    return predict(*request, response);
  }
  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override {
    return explain(*request, response);
  }
  grpc::Status GetServerStatus(grpc::ServerContext* context, const v1::GetServerStatusRequest*,
                               v1::ServerStatus* status) override {
    std::lock_guard<std::mutex> lock(mutex_);
    authorization_ = Metadata(*context, "authorization");
    request_ids_.push_back(Metadata(*context, "x-request-id"));
    return server_status(status);
  }
  grpc::Status SetLogLevel(grpc::ServerContext*, const v1::SetLogLevelRequest* request,
                           v1::SetLogLevelResponse* response) override {
    return set_log_level(request->level(), response);
  }
  grpc::Status GetModel(grpc::ServerContext*, const v1::GetModelRequest* request, v1::Model* model) override {
    model->set_name(request->model());
    model->set_job_id("1");
    return grpc::Status::OK;
  }
  grpc::Status DownloadArtifact(grpc::ServerContext*, const v1::DownloadArtifactRequest* request,
                                grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      downloads_.push_back(absl::StrCat(request->job(), "/", request->artifact()));
    }
    v1::DownloadArtifactResponse response;
    response.set_size_bytes(artifact.size());
    response.set_chunk(artifact.substr(0, artifact.size() / 2));
    writer->Write(response);
    response.Clear();
    response.set_chunk(artifact.substr(artifact.size() / 2));
    response.set_sha256(artifact_digest);
    writer->Write(response);
    return grpc::Status::OK;
  }

  mutable std::mutex mutex_;
  std::vector<uint64_t> watched_from_;    // Protected by mutex_.
  std::vector<std::string> downloads_;    // Protected by mutex_.
  std::string authorization_;             // Protected by mutex_.
  std::vector<std::string> request_ids_;  // Protected by mutex_.
};

// Serves `service` on 127.0.0.1 until it goes away.
class FakeServer {
 public:
  explicit FakeServer(FakeService* service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service);
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() { server_->Shutdown(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  grpc::Server* server() { return server_.get(); }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_TESTS_CLIENT_FAKE_SERVICE_H_
