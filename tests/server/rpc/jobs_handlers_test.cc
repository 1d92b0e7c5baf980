#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobsHandlersTest : public ServiceTest {
 protected:
  grpc::Status Start(const v1::StartTrainingRequest& request, v1::Job* job) {
    grpc::ClientContext context;
    return stub_->StartTraining(&context, request, job);
  }
  grpc::Status Start(const v1::StartTrainingRequest& request) {
    v1::Job job;
    return Start(request, &job);
  }
};

TEST_F(JobsHandlersTest, StartTrainingAnswersWithADurableJobAndCompleteOptions) {
  AddDataset("kiba");
  v1::StartTrainingRequest request = TrainRequest("gated");
  request.mutable_spec()->mutable_options()->set_lr(0.01);
  request.set_priority(7);
  v1::Job job;
  ASSERT_THAT(Start(request, &job), IsCallOk());
  EXPECT_EQ(job.name(), "gated");
  EXPECT_EQ(job.priority(), 7);
  EXPECT_EQ(job.max_restarts(), 3);
  const v1::TrainingOptions& options = job.spec().train().options();
  EXPECT_EQ(options.lr(), 0.01);
  EXPECT_EQ(options.model_type(), v1::GATED);
  EXPECT_EQ(options.batch_size(), 512);
  ASSERT_OK_AND_ASSIGN(const v1::Job stored, store_->GetJob(job.id()));
  EXPECT_EQ(stored.spec().train().options().hidden_dim(), options.hidden_dim());
}

TEST_F(JobsHandlersTest, WrongOptionNamesItsField) {
  AddDataset("kiba");
  v1::StartTrainingRequest request = TrainRequest("gated");
  request.mutable_spec()->mutable_options()->set_lr(-1);
  const grpc::Status status = Start(request);
  EXPECT_THAT(status, IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "lr: -1"));
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("field"), "lr");
  EXPECT_EQ(ErrorInfoOf(status).domain(), "deepbindnet");
}

TEST_F(JobsHandlersTest, WrongRequestFieldsAreNamed) {
  AddDataset("kiba");
  v1::StartTrainingRequest request = TrainRequest("../gated");
  EXPECT_THAT(Start(request), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "spec.model: ../gated"));
  request = TrainRequest("gated");
  request.mutable_spec()->clear_dataset();
  EXPECT_THAT(Start(request), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "spec.dataset: (empty)"));
  request = TrainRequest("gated");
  request.set_priority(101);
  EXPECT_THAT(Start(request), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "priority: 101"));
  request = TrainRequest("gated");
  request.set_max_restarts(101);
  EXPECT_THAT(Start(request), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "max_restarts: 101"));
  request = TrainRequest("gated");
  request.set_request_id(std::string(65, 'x'));
  EXPECT_THAT(Start(request), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "request_id: "));
}

TEST_F(JobsHandlersTest, UnknownDatasetIsNotFound) {
  EXPECT_THAT(Start(TrainRequest("gated")), IsCallError(StatusCode::NOT_FOUND, "DATASET_NOT_FOUND", "kiba"));
}

TEST_F(JobsHandlersTest, RepeatedRequestIdGivesTheSameJob) {
  AddDataset("kiba");
  v1::StartTrainingRequest request = TrainRequest("gated");
  request.set_request_id("once");
  v1::Job first;
  v1::Job second;
  ASSERT_THAT(Start(request, &first), IsCallOk());
  ASSERT_THAT(Start(request, &second), IsCallOk());
  EXPECT_EQ(first.id(), second.id());
}

TEST_F(JobsHandlersTest, ValidateOnlyStoresNothing) {
  AddDataset("kiba");
  v1::StartTrainingRequest request = TrainRequest("gated");
  request.set_validate_only(true);
  v1::Job job;
  ASSERT_THAT(Start(request, &job), IsCallOk());
  EXPECT_EQ(job.id(), "");
  EXPECT_GT(job.spec().train().options().hidden_dim(), 0);
  EXPECT_EQ(engine_->Get("gated").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(JobsHandlersTest, GetStatusTakesIdAndName) {
  v1::Job job;
  ASSERT_NE(StartTraining("gated", &job), nullptr);
  for (const std::string& reference : {job.id(), std::string("gated")}) {
    grpc::ClientContext context;
    v1::GetStatusRequest request;
    request.set_job(reference);
    v1::Job found;
    ASSERT_THAT(stub_->GetStatus(&context, request, &found), IsCallOk());
    EXPECT_EQ(found.id(), job.id());
    EXPECT_EQ(found.state(), v1::RUNNING);
  }
}

TEST_F(JobsHandlersTest, GetStatusOfNobodyIsNotFound) {
  grpc::ClientContext context;
  v1::GetStatusRequest request;
  request.set_job("nobody");
  v1::Job found;
  EXPECT_EQ(stub_->GetStatus(&context, request, &found).error_code(), StatusCode::NOT_FOUND);
  grpc::ClientContext other;
  request.set_job("no body");
  EXPECT_THAT(stub_->GetStatus(&other, request, &found),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "job: no body"));
}

TEST_F(JobsHandlersTest, CancelGoesThroughCancelling) {
  v1::Job job;
  const auto worker = StartTraining("gated", &job);
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  request.set_job(job.id());
  ASSERT_THAT(stub_->CancelJob(&context, request, &job), IsCallOk());
  EXPECT_EQ(job.state(), v1::CANCELLING);
  EXPECT_TRUE(worker->WaitForTerminate());
}

TEST_F(JobsHandlersTest, ListJobsIsNewestFirstInPages) {
  AddDataset("kiba");
  for (const char* name : {"a", "b", "c"}) ASSERT_THAT(Start(TrainRequest(name)), IsCallOk());
  v1::ListJobsRequest request;
  request.set_page_size(2);
  request.add_kinds(v1::TRAIN);
  v1::ListJobsResponse page;
  grpc::ClientContext context;
  ASSERT_THAT(stub_->ListJobs(&context, request, &page), IsCallOk());
  ASSERT_EQ(page.jobs_size(), 2);
  EXPECT_EQ(page.jobs(0).name(), "c");
  request.set_page_token(page.next_page_token());
  grpc::ClientContext next;
  ASSERT_THAT(stub_->ListJobs(&next, request, &page), IsCallOk());
  ASSERT_EQ(page.jobs_size(), 1);
  EXPECT_EQ(page.jobs(0).name(), "a");
  request.set_page_size(1001);
  grpc::ClientContext wrong;
  EXPECT_THAT(stub_->ListJobs(&wrong, request, &page),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "page_size: 1001"));
}

TEST_F(JobsHandlersTest, CompareNeedsModelsThatExist) {
  AddDataset("kiba");
  v1::CompareRequest request;
  request.mutable_spec()->add_models("gated");
  request.mutable_spec()->add_models("standard");
  request.mutable_spec()->set_dataset("kiba");
  v1::Job job;
  grpc::ClientContext context;
  EXPECT_THAT(stub_->Compare(&context, request, &job), IsCallError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND", "gated"));
  AddStoredModel(store_.get(), "gated");
  AddStoredModel(store_.get(), "standard");
  grpc::ClientContext again;
  ASSERT_THAT(stub_->Compare(&again, request, &job), IsCallOk());
  EXPECT_THAT(job.spec().compare().models(), ElementsAre("gated", "standard"));
}

TEST_F(JobsHandlersTest, DrainingRefusesNewWorkAndAnswersQuestions) {
  AddDataset("kiba");
  AddStoredModel(store_.get(), "gated");
  service_->StartDraining();
  EXPECT_THAT(Start(TrainRequest("b")), IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", "shutting down"));
  v1::CompareRequest compare;
  v1::Job job;
  grpc::ClientContext compare_context;
  EXPECT_THAT(stub_->Compare(&compare_context, compare, &job),
              IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", ""));
  v1::PredictResponse prediction;
  grpc::ClientContext predict_context;
  EXPECT_THAT(stub_->Predict(&predict_context, {}, &prediction),
              IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", ""));
  v1::ListDatasetsResponse datasets;
  grpc::ClientContext list_context;
  ASSERT_THAT(stub_->ListDatasets(&list_context, {}, &datasets), IsCallOk());
  EXPECT_EQ(datasets.datasets_size(), 1);
}

TEST_F(JobsHandlersTest, WhatIsNotImplementedSaysSo) {
  const auto expect = [](const grpc::Status& status, const std::string& method) {
    EXPECT_THAT(status, IsCallError(StatusCode::UNIMPLEMENTED, "NOT_IMPLEMENTED",
                                    method + " is not implemented by this version"));
  };
  grpc::ClientContext contexts[2];
  v1::Model model;
  expect(stub_->PromoteModel(&contexts[0], {}, &model), "PromoteModel");
  const auto stream = stub_->PredictStream(&contexts[1]);
  expect(stream->Finish(), "PredictStream");
}

TEST_F(JobsHandlersTest, ServerStatusSaysWhatRuns) {
  v1::Job job;
  ASSERT_NE(StartTraining("a", &job), nullptr);
  ASSERT_THAT(Start(TrainRequest("b")), IsCallOk());
  v1::ServerStatus status;
  grpc::ClientContext context;
  ASSERT_THAT(stub_->GetServerStatus(&context, {}, &status), IsCallOk());
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_THAT(status.devices(), ElementsAre("cpu (2 threads)"));
  EXPECT_EQ(status.jobs_running(), 1);
  EXPECT_EQ(status.jobs_queued(), 1);
  EXPECT_EQ(status.jobs_paused(), 0);
  ASSERT_EQ(status.slots_size(), 1);
  EXPECT_EQ(status.slots(0).name(), "cpu:0");
  EXPECT_EQ(status.slots(0).job(), job.id());
  EXPECT_GT(status.disk_free_bytes(), 0);
  EXPECT_EQ(status.log_level(), "info");
  EXPECT_FALSE(status.tls());
  EXPECT_EQ(status.caller(), "");
  EXPECT_EQ(status.caller_role(), v1::ADMIN);
  EXPECT_FALSE(status.draining());
  EXPECT_GT(status.start_time().seconds(), 1600000000);
}

TEST_F(JobsHandlersTest, DatasetsAndModelsAreFoundByName) {
  AddDataset("kiba");
  AddStoredModel(store_.get(), "gated", {"production"});
  v1::GetDatasetRequest dataset_request;
  dataset_request.set_dataset("kiba");
  v1::Dataset dataset;
  grpc::ClientContext dataset_context;
  ASSERT_THAT(stub_->GetDataset(&dataset_context, dataset_request, &dataset), IsCallOk());
  EXPECT_EQ(dataset.name(), "kiba");

  v1::GetModelRequest model_request;
  model_request.set_model("production");
  v1::Model model;
  grpc::ClientContext model_context;
  ASSERT_THAT(stub_->GetModel(&model_context, model_request, &model), IsCallOk());
  EXPECT_EQ(model.name(), "gated");
  EXPECT_FALSE(model.loaded());

  dataset_request.set_dataset("a/b");
  grpc::ClientContext wrong_dataset;
  EXPECT_THAT(stub_->GetDataset(&wrong_dataset, dataset_request, &dataset),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "dataset: a/b"));
  model_request.set_model("");
  grpc::ClientContext wrong_model;
  EXPECT_THAT(stub_->GetModel(&wrong_model, model_request, &model),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "model: (empty)"));
}

}  // namespace
}  // namespace deepbindnet
