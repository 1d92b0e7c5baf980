// Pages of jobs and models.
#include "tests/server/store/store_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ListingTest : public StoreTest {};

TEST_F(ListingTest, PagesThroughJobsNewestFirst) {
  for (int i = 1; i <= 5; ++i) Insert(TrainJob(absl::StrCat("job-", i)));
  v1::ListJobsRequest request;
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListJobs(request));
  EXPECT_THAT(Ids(first), ElementsAre("job-5", "job-4"));
  Insert(TrainJob("job-6"));  // A job that comes between two pages shifts nothing.
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, store_->ListJobs(request));
  EXPECT_THAT(Ids(second), ElementsAre("job-3", "job-2"));
  request.set_page_token(second.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto last, store_->ListJobs(request));
  EXPECT_THAT(Ids(last), ElementsAre("job-1"));
  EXPECT_EQ(last.next_page_token(), "");
}

TEST_F(ListingTest, APageThatIsExactlyFullIsTheLast) {
  Insert(TrainJob("job-1"));
  Insert(TrainJob("job-2"));
  v1::ListJobsRequest request;
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListJobs(request));
  EXPECT_EQ(page.jobs_size(), 2);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ListingTest, AFirstPageHasFiftyJobsAndTheNewestOfANameIsFound) {
  for (int i = 0; i < 51; ++i) Insert(TrainJob(absl::StrCat("job-", i)));
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListJobs(v1::ListJobsRequest()));
  EXPECT_EQ(first.jobs_size(), 50);
  EXPECT_NE(first.next_page_token(), "");
  ASSERT_OK_AND_ASSIGN(const auto newest, store_->FindNewestJobByName("m"));
  EXPECT_EQ(newest->id(), "job-50");
}

TEST_F(ListingTest, FiltersByStateAndKindAcrossPages) {
  Insert(TrainJob("train-1", "a", v1::SUCCEEDED));
  Insert(PrepareJob("prepare-1", "d"));
  Insert(TrainJob("train-2", "b", v1::QUEUED));
  Insert(TrainJob("train-3", "c", v1::FAILED));
  v1::ListJobsRequest request;
  request.add_kinds(v1::TRAIN);
  request.add_states(v1::SUCCEEDED);
  request.add_states(v1::QUEUED);
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListJobs(request));
  EXPECT_THAT(Ids(first), ElementsAre("train-2"));
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, store_->ListJobs(request));
  EXPECT_THAT(Ids(second), ElementsAre("train-1"));
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(ListingTest, FiltersByNameAndSubmitter) {
  const auto insert = [this](const std::string& id, const std::string& name, const std::string& submitter) {
    v1::Job job = TrainJob(id, name);
    job.set_submitter(submitter);
    Insert(std::move(job));
  };
  insert("job-1", "kiba-a", "alice");
  insert("job-2", "kiba-b", "bob");
  insert("job-3", "Kiba-c", "alice");
  insert("job-4", "davis", "alice");
  v1::ListJobsRequest request;
  request.set_name_prefix("kiba");
  ASSERT_OK_AND_ASSIGN(const auto by_name, store_->ListJobs(request));
  EXPECT_THAT(Ids(by_name), ElementsAre("job-2", "job-1"));
  request.set_submitter("alice");
  ASSERT_OK_AND_ASSIGN(const auto by_both, store_->ListJobs(request));
  EXPECT_THAT(Ids(by_both), ElementsAre("job-1"));
  request.clear_name_prefix();
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto by_submitter, store_->ListJobs(request));
  EXPECT_THAT(Ids(by_submitter), ElementsAre("job-4", "job-3"));
  request.set_page_token(by_submitter.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto rest, store_->ListJobs(request));
  EXPECT_THAT(Ids(rest), ElementsAre("job-1"));
  request.set_submitter("x' OR '1'='1");
  request.clear_page_token();
  ASSERT_OK_AND_ASSIGN(const auto none, store_->ListJobs(request));
  EXPECT_THAT(Ids(none), IsEmpty());
}

TEST_F(ListingTest, ListingFollowsAStateThatChanges) {
  v1::Job job = TrainJob("job-a");
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  job.set_state(v1::RUNNING);
  ASSERT_THAT(store_->UpdateJob(&job, {}), IsOk());
  v1::ListJobsRequest request;
  request.add_states(v1::RUNNING);
  ASSERT_OK_AND_ASSIGN(const auto running, store_->ListJobs(request));
  EXPECT_THAT(Ids(running), ElementsAre("job-a"));
  request.set_states(0, v1::QUEUED);
  ASSERT_OK_AND_ASSIGN(const auto queued, store_->ListJobs(request));
  EXPECT_THAT(Ids(queued), IsEmpty());
}

TEST_F(ListingTest, NamesABadPageSizeOrToken) {
  v1::ListJobsRequest request;
  request.set_page_size(1001);
  EXPECT_THAT(store_->ListJobs(request),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_size: 1001"));
  request.set_page_size(1000);
  EXPECT_THAT(store_->ListJobs(request), IsOk());
  request.set_page_token("no token");
  EXPECT_THAT(store_->ListJobs(request), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_token"));
}

TEST_F(ListingTest, AnotherListingsTokenIsRefused) {
  Insert(TrainJob("job-1"));
  Insert(TrainJob("job-2"));
  v1::ListJobsRequest jobs;
  jobs.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListJobs(jobs));
  v1::ListModelsRequest models;
  models.set_page_token(page.next_page_token());
  EXPECT_THAT(store_->ListModels(models), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_token"));
}

TEST_F(ListingTest, PagesThroughModelsByName) {
  v1::Job job = TrainJob("job-a");
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  for (const char* name : {"b", "c", "a"}) {
    v1::Model model;
    model.set_name(name);
    ASSERT_THAT(store_->FinishJobWithModel(&job, {}, model), IsOk());
  }
  v1::ListModelsRequest request;
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListModels(request));
  ASSERT_EQ(first.models_size(), 2);
  EXPECT_EQ(first.models(0).name(), "a");
  EXPECT_EQ(first.models(1).name(), "b");
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, store_->ListModels(request));
  ASSERT_EQ(second.models_size(), 1);
  EXPECT_EQ(second.models(0).name(), "c");
  EXPECT_EQ(second.next_page_token(), "");
}

}  // namespace
}  // namespace deepbindnet
