// The service over a real socket: the real job engine on fake workers, a real store, fake models.
#ifndef DEEPBINDNET_TESTS_SERVER_RPC_SERVICE_FIXTURE_H_
#define DEEPBINDNET_TESTS_SERVER_RPC_SERVICE_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/sha256.h"
#include "deepbindnet/v1/deepbindnet.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/jobs/job_engine_impl.h"
#include "server/metrics/metrics.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/service.h"
#include "tests/server/predict/fake_predictor.h"
#include "tests/server/predict/stored_models.h"
#include "tests/support/fake_worker_launcher.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {

// The ErrorInfo of a failed call; an empty one where it has none.
inline google::rpc::ErrorInfo ErrorInfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details())) return info;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) break;
  }
  return info;
}

// A call that failed with this code, this reason and a message that contains `text`.
MATCHER_P3(IsCallError, code, reason, text, "") {
  *result_listener << "code " << arg.error_code() << ", reason " << ErrorInfoOf(arg).reason() << ": "
                   << arg.error_message();
  return arg.error_code() == code && ErrorInfoOf(arg).reason() == reason &&
         arg.error_message().find(text) != std::string::npos;
}

// True where the error says when to try again.
inline bool HasRetryInfo(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::RetryInfo retry;
  if (!details.ParseFromString(status.error_details())) return false;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&retry)) return retry.retry_delay().seconds() > 0;
  }
  return false;
}

MATCHER(IsCallOk, "is OK") {
  *result_listener << "code " << arg.error_code() << ": " << arg.error_message();
  return arg.ok();
}

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, Store::Open(layout_.Database()));
    JobEngineOptions options;
    options.data_dir = dir_.path();
    options.worker_binary = "unused";
    JobEngineDependencies engine_dependencies;
    engine_dependencies.launcher = workers_.MakeLauncher();
    engine_dependencies.new_job_id = [this] { return absl::StrCat("job", ++job_ids_); };
    engine_dependencies.free_bytes = [] { return uint64_t{1} << 40; };
    ASSERT_OK_AND_ASSIGN(engine_, JobEngineImpl::Create(options, store_.get(), std::move(engine_dependencies)));
    engine_->StartScheduling();
    models_ = std::make_unique<ModelRegistry>(
        store_.get(), layout_,
        [this](const std::string& path) -> absl::StatusOr<std::shared_ptr<const Predictor>> {
          if (before_load_) DBN_RETURN_IF_ERROR(before_load_(path));
          const std::string name = std::filesystem::path(path).parent_path().filename();
          predictor_ = std::make_shared<FakePredictor>(absl::StrCat("digest of ", name));
          predictor_->on_explain = on_explain_;
          return predictor_;
        },
        2, max_waiting_for_models_);
    batcher_ = std::make_unique<Batcher>(batcher_options_, now_, nullptr);
    executor_ = std::make_unique<Executor>(2, max_queued_calls_);
    explainer_ = std::make_unique<Executor>(1, max_queued_explanations_);
    StartServer();
  }

  void StartServer() {
    ASSERT_OK_AND_ASSIGN(authenticator_, Authenticator::Create(tokens_file_));
    ServiceDependencies deps;
    deps.authenticator = authenticator_.get();
    deps.engine = engine_.get();
    deps.store = store_.get();
    deps.models = models_.get();
    deps.batcher = batcher_.get();
    deps.executor = executor_.get();
    deps.explainer = explainer_.get();
    deps.layout = layout_;
    deps.limits = limits_;
    deps.max_predict_bytes = max_predict_bytes_;
    deps.version = "1.2.3";
    deps.start_time = absl::Now();
    deps.devices = {"cpu (2 threads)"};
    service_ = std::make_unique<Service>(std::move(deps));
    ASSERT_OK_AND_ASSIGN(server_, GrpcServer::Start({"127.0.0.1:0"}, service_.get(), &metrics_));
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()), grpc::InsecureChannelCredentials());
    stub_ = v1::DeepBindNet::NewStub(channel_);
  }

  // A data set in the store, for trainings to name.
  void AddDataset(const std::string& name) {
    v1::Job job;
    job.set_id(absl::StrCat("prepared-", name));
    job.set_name(name);
    job.mutable_spec()->mutable_prepare_dataset()->set_dataset(name);
    job.set_state(v1::RUNNING);
    ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
    v1::Dataset dataset;
    dataset.set_name(name);
    job.set_state(v1::SUCCEEDED);
    ASSERT_THAT(store_->FinishJobWithDataset(&job, {}, dataset), IsOk());
  }

  static v1::StartTrainingRequest TrainRequest(const std::string& model) {
    v1::StartTrainingRequest request;
    request.mutable_spec()->set_model(model);
    request.mutable_spec()->set_dataset("kiba");
    return request;
  }

  // Starts a training on the data set "kiba", which is made where it is missing, and waits for its worker.
  std::shared_ptr<FakeWorker> StartTraining(const std::string& model, v1::Job* job) {
    if (!store_->GetDataset("kiba").ok()) AddDataset("kiba");
    grpc::ClientContext context;
    EXPECT_THAT(stub_->StartTraining(&context, TrainRequest(model), job), IsCallOk());
    return workers_.WaitFor(workers_started_++);
  }

  // What tests may change before SetUp().
  BatcherOptions batcher_options_;
  NowFunction now_ = absl::Now;  // The batcher's clock.
  int max_queued_calls_ = 100;
  int max_queued_explanations_ = 100;
  int max_waiting_for_models_ = 1000;
  size_t max_predict_bytes_ = 64 << 20;
  std::string tokens_file_;
  RequestLimits limits_ = [] {
    RequestLimits limits;
    limits.max_upload_bytes = 4 << 20;
    return limits;
  }();

  TempDir dir_;
  DataLayout layout_{dir_.path()};
  std::atomic<int> job_ids_{0};
  size_t workers_started_ = 0;
  Metrics metrics_{"1.2.3"};
  FakeWorkers workers_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<JobEngine> engine_;
  std::function<absl::Status(const std::string& path)> before_load_;  // An error fails the load of a model.
  std::function<void()> on_explain_;                                  // Of the predictors loaded from now on.
  std::shared_ptr<FakePredictor> predictor_;                          // Loaded last.
  std::unique_ptr<ModelRegistry> models_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Executor> explainer_;
  std::unique_ptr<Batcher> batcher_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::DeepBindNet::Stub> stub_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_RPC_SERVICE_FIXTURE_H_
