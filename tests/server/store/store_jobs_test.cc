// Jobs and their journals.
#include "tests/server/store/store_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::IsEmpty;

class StoreJobsTest : public StoreTest {};

TEST_F(StoreJobsTest, KeepsJobsAndJournalsAcrossReopen) {
  v1::Job job = TrainJob("job-a", "m");
  job.mutable_spec()->mutable_train()->mutable_options()->set_lr(0.25);
  ASSERT_THAT(store_->InsertJob(&job, {Log("one"), Log("two")}), IsOk());
  EXPECT_EQ(job.last_sequence(), 2);
  Reopen();
  ASSERT_OK_AND_ASSIGN(const v1::Job read, store_->GetJob("job-a"));
  EXPECT_EQ(read.SerializeAsString(), job.SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ReadEvents("job-a", 0, 10));
  ASSERT_EQ(events.size(), 2);
  EXPECT_EQ(events[0].log().text(), "one");
  EXPECT_EQ(events[1].sequence(), 2);
  EXPECT_EQ(events[1].job_id(), "job-a");
}

TEST_F(StoreJobsTest, DoesNotStoreProgress) {
  v1::Job job = TrainJob("job-a");
  job.mutable_progress()->set_done(7);
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  EXPECT_TRUE(job.has_progress());  // The caller's copy stays as it was.
  ASSERT_OK_AND_ASSIGN(const v1::Job read, store_->GetJob("job-a"));
  EXPECT_FALSE(read.has_progress());
}

TEST_F(StoreJobsTest, NumbersEventsWithoutGapsOverUpdatesAndReopens) {
  v1::Job job = TrainJob("job-a");
  ASSERT_THAT(store_->InsertJob(&job, {Log("1")}), IsOk());
  ASSERT_THAT(store_->UpdateJob(&job, {Log("2"), Log("3")}), IsOk());
  EXPECT_EQ(job.last_sequence(), 3);
  Reopen();
  job.set_last_sequence(0);  // The journal counts, not what the caller believes.
  ASSERT_THAT(store_->UpdateJob(&job, {Log("4")}), IsOk());
  EXPECT_EQ(job.last_sequence(), 4);
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ReadEvents("job-a", 1, 100));
  ASSERT_EQ(events.size(), 4);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence(), i + 1);
    EXPECT_EQ(events[i].log().text(), absl::StrCat(i + 1));
  }
}

TEST_F(StoreJobsTest, JournalsOfJobsAreSeparate) {
  Insert(TrainJob("job-a"), {Log("a1")});
  Insert(TrainJob("job-b"), {Log("b1"), Log("b2")});
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ReadEvents("job-b", 0, 10));
  ASSERT_EQ(events.size(), 2);
  EXPECT_EQ(events[0].log().text(), "b1");
}

TEST_F(StoreJobsTest, ReadEventsStartsAndStopsWhereAsked) {
  Insert(TrainJob("job-a"), {Log("1"), Log("2"), Log("3"), Log("4")});
  ASSERT_OK_AND_ASSIGN(const auto middle, store_->ReadEvents("job-a", 2, 2));
  ASSERT_EQ(middle.size(), 2);
  EXPECT_EQ(middle[0].sequence(), 2);
  EXPECT_EQ(middle[1].sequence(), 3);
  ASSERT_OK_AND_ASSIGN(const auto beyond, store_->ReadEvents("job-a", 5, 10));
  EXPECT_THAT(beyond, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto far_beyond, store_->ReadEvents("job-a", ~uint64_t{0}, 10));
  EXPECT_THAT(far_beyond, IsEmpty());
  EXPECT_THAT(store_->ReadEvents("job-x", 1, 10), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "job-x"));
}

TEST_F(StoreJobsTest, UpdateOfAnUnknownJobIsNotFound) {
  v1::Job job = TrainJob("job-x");
  EXPECT_THAT(store_->UpdateJob(&job, {}), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "job-x"));
}

TEST_F(StoreJobsTest, RefusesASecondJobOfAnId) {
  Insert(TrainJob("job-a"));
  v1::Job again = TrainJob("job-a");
  EXPECT_THAT(store_->InsertJob(&again, {}), IsError(absl::StatusCode::kAlreadyExists, "JOB_ID_TAKEN", "job-a"));
}

TEST_F(StoreJobsTest, RequestIdsAreUniqueAndFoundAcrossReopen) {
  v1::Job job = TrainJob("job-a");
  job.set_request_id("r1");
  Insert(job);
  Reopen();
  ASSERT_OK_AND_ASSIGN(const auto found, store_->FindJobByRequestId("r1"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id(), "job-a");
  ASSERT_OK_AND_ASSIGN(const auto none, store_->FindJobByRequestId("r2"));
  EXPECT_FALSE(none.has_value());
  v1::Job second = TrainJob("job-b");
  second.set_request_id("r1");
  EXPECT_THAT(store_->InsertJob(&second, {}), IsError(absl::StatusCode::kAlreadyExists, "REQUEST_ID_TAKEN", "r1"));
}

TEST_F(StoreJobsTest, ManyJobsMayHaveNoRequestId) {
  Insert(TrainJob("job-a"));
  Insert(TrainJob("job-b"));
  ASSERT_OK_AND_ASSIGN(const auto found, store_->FindJobByRequestId(""));
  EXPECT_FALSE(found.has_value());
}

TEST_F(StoreJobsTest, FindsTheNewestJobOfAName) {
  Insert(TrainJob("job-z", "m"));
  Insert(TrainJob("job-a", "m"));
  Insert(TrainJob("job-m", "other"));
  ASSERT_OK_AND_ASSIGN(const auto newest, store_->FindNewestJobByName("m"));
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->id(), "job-a");
  ASSERT_OK_AND_ASSIGN(const auto none, store_->FindNewestJobByName("nobody"));
  EXPECT_FALSE(none.has_value());
}

TEST_F(StoreJobsTest, ListsJobsInStatesOldestFirst) {
  Insert(TrainJob("job-c", "c", v1::RUNNING));
  Insert(TrainJob("job-b", "b", v1::SUCCEEDED));
  Insert(TrainJob("job-a", "a", v1::QUEUED));
  ASSERT_OK_AND_ASSIGN(const auto jobs, store_->ListJobsInStates({v1::QUEUED, v1::RUNNING}));
  ASSERT_EQ(jobs.size(), 2);
  EXPECT_EQ(jobs[0].id(), "job-c");
  EXPECT_EQ(jobs[1].id(), "job-a");
}

TEST_F(StoreJobsTest, CountsJobsByKindAndState) {
  ASSERT_OK_AND_ASSIGN(const auto none, store_->CountJobs());
  EXPECT_THAT(none, IsEmpty());
  Insert(TrainJob("a", "m", v1::FAILED));
  Insert(TrainJob("b", "m", v1::FAILED));
  Insert(PrepareJob("c", "d"));
  ASSERT_OK_AND_ASSIGN(const std::vector<JobCount> counts, store_->CountJobs());
  ASSERT_EQ(counts.size(), 2u);
  for (const JobCount& count : counts) {
    const bool is_train = count.kind == v1::TRAIN;
    EXPECT_EQ(count.state, is_train ? v1::FAILED : v1::QUEUED);
    EXPECT_EQ(count.jobs, is_train ? 2 : 1);
  }
}

}  // namespace
}  // namespace deepbindnet
