// Pausing, resuming and deleting over the wire, by whom, and what the audit log says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/auth/token_file.h"
#include "server/logging/logging.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SteeringTest : public ServiceTest {
 protected:
  // Tokens for alice and bob, submitters, vera, a viewer, and root, an admin.
  void SetUp() override {
    tokens_file_ = dir_ / "tokens";
    for (const auto& [name, role] : std::map<std::string, v1::Role>{
             {"alice", v1::SUBMITTER}, {"bob", v1::SUBMITTER}, {"vera", v1::VIEWER}, {"root", v1::ADMIN}}) {
      ASSERT_THAT(AddToken(tokens_file_, {name, role, HashToken(TokenOf(name)), {}}), IsOk());
    }
    ServiceTest::SetUp();
    AddDataset("kiba");
  }

  static std::string TokenOf(const std::string& name) { return absl::StrCat("dbn_secret-of-", name); }

  // Calls `method` as `name`.
  template <typename Request, typename Response>
  grpc::Status CallAs(const std::string& name,
                      grpc::Status (v1::DeepBindNet::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      const Request& request, Response* response) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", absl::StrCat("Bearer ", TokenOf(name)));
    context.AddMetadata("x-request-id", "request-7");
    return (stub_.get()->*method)(&context, request, response);
  }
  template <typename Request>
  static Request Of(const std::string& job) {
    Request request;
    request.set_job(job);
    return request;
  }

  v1::Job StartAs(const std::string& name, const std::string& model) {
    v1::Job job;
    EXPECT_THAT(CallAs(name, &v1::DeepBindNet::Stub::StartTraining, TrainRequest(model), &job), IsCallOk());
    return job;
  }
  grpc::Status PauseAs(const std::string& name, const std::string& job) {
    v1::Job paused;
    return CallAs(name, &v1::DeepBindNet::Stub::PauseJob, Of<v1::PauseJobRequest>(job), &paused);
  }
};

TEST_F(SteeringTest, AJobIsItsSubmitters) {
  const v1::Job running = StartAs("alice", "running");
  const v1::Job job = StartAs("alice", "m");
  EXPECT_EQ(job.submitter(), "alice");
  EXPECT_THAT(PauseAs("bob", "m"), IsCallError(StatusCode::PERMISSION_DENIED, "NOT_YOURS", "alice"));
  EXPECT_THAT(PauseAs("vera", "m"), IsCallError(StatusCode::PERMISSION_DENIED, "ROLE_TOO_LOW", "submitter"));
  EXPECT_THAT(PauseAs("nobody", "m"), IsCallError(StatusCode::UNAUTHENTICATED, "BAD_TOKEN", ""));
  EXPECT_THAT(PauseAs("alice", "m"), IsCallOk());
  v1::Job resumed;
  EXPECT_THAT(CallAs("root", &v1::DeepBindNet::Stub::ResumeJob, Of<v1::ResumeJobRequest>(job.id()), &resumed),
              IsCallOk());
  EXPECT_EQ(resumed.state(), v1::QUEUED);
  v1::DeleteJobResponse deleted;
  EXPECT_THAT(CallAs("bob", &v1::DeepBindNet::Stub::DeleteJob, Of<v1::DeleteJobRequest>("m"), &deleted),
              IsCallError(StatusCode::PERMISSION_DENIED, "NOT_YOURS", job.id()));
  v1::Job cancelled;
  EXPECT_THAT(CallAs("alice", &v1::DeepBindNet::Stub::CancelJob, Of<v1::CancelJobRequest>("m"), &cancelled),
              IsCallOk());
  EXPECT_THAT(CallAs("alice", &v1::DeepBindNet::Stub::DeleteJob, Of<v1::DeleteJobRequest>("m"), &deleted), IsCallOk());
  v1::Job gone;
  EXPECT_THAT(CallAs("vera", &v1::DeepBindNet::Stub::GetStatus, Of<v1::GetStatusRequest>("m"), &gone),
              IsCallError(StatusCode::NOT_FOUND, "JOB_NOT_FOUND", "m"));
}

TEST_F(SteeringTest, ADataSetWithoutASubmitterIsTheAdmins) {
  v1::DeleteDatasetRequest request;
  request.set_dataset("kiba");
  v1::DeleteDatasetResponse response;
  EXPECT_THAT(CallAs("alice", &v1::DeepBindNet::Stub::DeleteDataset, request, &response),
              IsCallError(StatusCode::PERMISSION_DENIED, "NOT_YOURS", "data set kiba"));
  EXPECT_THAT(CallAs("root", &v1::DeepBindNet::Stub::DeleteDataset, request, &response), IsCallOk());
  EXPECT_THAT(CallAs("root", &v1::DeepBindNet::Stub::DeleteDataset, request, &response),
              IsCallError(StatusCode::NOT_FOUND, "DATASET_NOT_FOUND", "kiba"));
}

TEST_F(SteeringTest, AJobsProductIsItsSubmittersToo) {
  const v1::Job job = StartAs("alice", "m");
  const auto worker = workers_.WaitFor(0);
  ASSERT_NE(worker, nullptr);
  v1::JobResult result;
  result.mutable_training()->set_digest("d");
  worker->EmitResult(result);
  worker->Exit(0);
  v1::Job ended;
  while (ended.state() != v1::SUCCEEDED) {
    ASSERT_THAT(CallAs("vera", &v1::DeepBindNet::Stub::GetStatus, Of<v1::GetStatusRequest>("m"), &ended), IsCallOk());
  }
  v1::DeleteModelRequest request;
  request.set_model("m");
  v1::DeleteModelResponse response;
  EXPECT_THAT(CallAs("bob", &v1::DeepBindNet::Stub::DeleteModel, request, &response),
              IsCallError(StatusCode::PERMISSION_DENIED, "NOT_YOURS", "model m"));
  EXPECT_THAT(CallAs("alice", &v1::DeepBindNet::Stub::DeleteModel, request, &response), IsCallOk());
}

TEST_F(SteeringTest, ListingsFilterBySubmitterAndName) {
  StartAs("alice", "kiba-1");
  StartAs("bob", "kiba-2");
  v1::ListJobsRequest request;
  request.set_submitter("bob");
  v1::ListJobsResponse page;
  ASSERT_THAT(CallAs("vera", &v1::DeepBindNet::Stub::ListJobs, request, &page), IsCallOk());
  ASSERT_EQ(page.jobs_size(), 1);
  EXPECT_EQ(page.jobs(0).name(), "kiba-2");
  request.set_name_prefix(std::string(65, 'k'));
  EXPECT_THAT(CallAs("vera", &v1::DeepBindNet::Stub::ListJobs, request, &page),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "name_prefix: kkk"));
}

TEST_F(SteeringTest, EveryChangingCallHasALineThatTellsNoSecret) {
  ::testing::internal::CaptureStderr();
  ConfigureLogging(LogFormat::kJson, LogLevel::kError);
  StartAs("alice", "m");
  EXPECT_FALSE(PauseAs("bob", "m").ok());
  EXPECT_FALSE(PauseAs("nobody", "m").ok());
  v1::Job job;
  EXPECT_THAT(CallAs("vera", &v1::DeepBindNet::Stub::GetStatus, Of<v1::GetStatusRequest>("m"), &job), IsCallOk());
  v1::SetLogLevelRequest level;
  level.set_level("info");
  v1::SetLogLevelResponse previous;
  EXPECT_THAT(CallAs("root", &v1::DeepBindNet::Stub::SetLogLevel, level, &previous), IsCallOk());
  EXPECT_EQ(previous.previous_level(), "error");
  EXPECT_THAT(CallAs("alice", &v1::DeepBindNet::Stub::SetLogLevel, level, &previous),
              IsCallError(StatusCode::PERMISSION_DENIED, "ROLE_TOO_LOW", "admin"));
  server_.reset();  // Every line is written then.
  const std::string log = ::testing::internal::GetCapturedStderr();
  ConfigureLogging(LogFormat::kText, LogLevel::kInfo);
  EXPECT_THAT(log, HasSubstr(R"("message":"audit","method":"StartTraining","who":"alice","role":"submitter")"));
  EXPECT_THAT(log, HasSubstr(R"("target":"m","code":"OK","job_id":"job1","request_id":"request-7"})"));
  EXPECT_THAT(log,
              HasSubstr(R"("code":"PERMISSION_DENIED","job_id":"job1","request_id":"request-7","reason":"NOT_YOURS")"));
  EXPECT_THAT(log, HasSubstr(R"("who":"","role":"unknown")"));
  EXPECT_THAT(log, HasSubstr(R"("code":"UNAUTHENTICATED")"));
  EXPECT_THAT(log, HasSubstr(R"("method":"SetLogLevel","who":"root")"));
  EXPECT_THAT(log, HasSubstr(R"("method":"SetLogLevel","who":"alice","role":"submitter")"));
  EXPECT_THAT(log, AllOf(Not(HasSubstr(R"("method":"GetStatus")")), Not(HasSubstr("dbn_"))));
}

class LimitsTest : public ServiceTest {
 protected:
  LimitsTest() {
    limits_.max_pairs = 2;
    limits_.max_smiles_length = 3;
    limits_.max_sequence_length = 4;
    limits_.max_streams_per_client = 1;
  }

  static v1::PredictRequest Request(int pairs) {
    v1::PredictRequest request;
    request.set_model("gated");
    for (const char* smiles : {"CCO", "CCCC"}) request.add_smiles(smiles);
    for (const char* sequence : {"MKVL", "MKVLA"}) request.add_sequences(sequence);
    for (int i = 0; i < pairs; ++i) request.add_pairs();
    return request;
  }
  grpc::Status Predict(const v1::PredictRequest& request, v1::PredictResponse* response) {
    grpc::ClientContext context;
    return stub_->Predict(&context, request, response);
  }
};

TEST_F(LimitsTest, TooManyPairsAreRefused) {
  v1::PredictResponse response;
  EXPECT_THAT(Predict(Request(3), &response), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD",
                                                          "pairs: 3 entries are not accepted; give 1 to 2"));
}

TEST_F(LimitsTest, ATextThatIsTooLongFailsItsPairsOnly) {
  AddStoredModel(store_.get(), "gated");
  batcher_->Start();
  v1::PredictRequest request = Request(2);
  request.mutable_pairs(0)->set_drug(1);
  v1::PredictResponse response;
  ASSERT_THAT(Predict(request, &response), IsCallOk());
  ASSERT_EQ(response.predictions_size(), 2);
  EXPECT_EQ(response.predictions(0).error_reason(), "INVALID_SMILES");
  EXPECT_THAT(response.predictions(0).error(), HasSubstr("4 characters; this server takes at most 3"));
  EXPECT_EQ(response.predictions(1).error(), "");
  request.mutable_pairs(1)->set_target(1);
  response.Clear();
  ASSERT_THAT(Predict(request, &response), IsCallOk());
  ASSERT_EQ(response.predictions_size(), 2);
  EXPECT_EQ(response.predictions(0).error_reason(), "INVALID_SMILES");
  EXPECT_EQ(response.predictions(1).error_reason(), "SEQUENCE_TOO_LONG");
}

TEST_F(LimitsTest, AClientHasSoManyStreamsAndNotOneMore) {
  v1::Job job;
  ASSERT_NE(StartTraining("m", &job), nullptr);
  v1::WatchJobRequest request;
  request.set_job("m");
  v1::JobEvent event;
  grpc::ClientContext first_context;
  const auto first = stub_->WatchJob(&first_context, request);
  ASSERT_TRUE(first->Read(&event));
  {
    grpc::ClientContext context;
    const auto second = stub_->WatchJob(&context, request);
    EXPECT_FALSE(second->Read(&event));
    const grpc::Status refused = second->Finish();
    EXPECT_THAT(refused, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS", "1 streams open"));
    EXPECT_TRUE(HasRetryInfo(refused));
  }
  first_context.TryCancel();
  first->Finish();
  while (true) {  // The server hears of it in a moment.
    grpc::ClientContext context;
    const auto again = stub_->WatchJob(&context, request);
    const bool served = again->Read(&event);
    context.TryCancel();
    again->Finish();
    if (served) break;
  }
}

}  // namespace
}  // namespace deepbindnet
