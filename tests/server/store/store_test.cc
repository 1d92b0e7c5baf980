#include "server/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/data_layout.h"
#include "server/store/database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

v1::Job TrainJob(const std::string& id, const std::string& name = "m", v1::JobState state = v1::QUEUED) {
  v1::Job job;
  job.set_id(id);
  job.set_name(name);
  job.set_state(state);
  job.mutable_spec()->mutable_train()->set_model(name);
  return job;
}

v1::Job PrepareJob(const std::string& id, const std::string& name) {
  v1::Job job;
  job.set_id(id);
  job.set_name(name);
  job.set_state(v1::QUEUED);
  job.mutable_spec()->mutable_prepare_dataset()->set_dataset(name);
  return job;
}

v1::JobEvent Log(const std::string& text) {
  v1::JobEvent event;
  event.mutable_log()->set_text(text);
  return event;
}

std::vector<std::string> Ids(const v1::ListJobsResponse& response) {
  std::vector<std::string> ids;
  for (const v1::Job& job : response.jobs()) ids.push_back(job.id());
  return ids;
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_ = nullptr;
    ASSERT_OK_AND_ASSIGN(store_, Store::Open(layout_.Database()));
  }
  void Insert(v1::Job job, std::vector<v1::JobEvent> events = {}) {
    ASSERT_THAT(store_->InsertJob(&job, std::move(events)), IsOk());
  }

  const TempDir dir_;
  const DataLayout layout_{dir_ / "data"};
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, KeepsJobsAndJournalsAcrossReopen) {
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

TEST_F(StoreTest, DoesNotStoreProgress) {
  v1::Job job = TrainJob("job-a");
  job.mutable_progress()->set_done(7);
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  EXPECT_TRUE(job.has_progress());  // The caller's copy stays as it was.
  ASSERT_OK_AND_ASSIGN(const v1::Job read, store_->GetJob("job-a"));
  EXPECT_FALSE(read.has_progress());
}

TEST_F(StoreTest, NumbersEventsWithoutGapsOverUpdatesAndReopens) {
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

TEST_F(StoreTest, JournalsOfJobsAreSeparate) {
  Insert(TrainJob("job-a"), {Log("a1")});
  Insert(TrainJob("job-b"), {Log("b1"), Log("b2")});
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ReadEvents("job-b", 0, 10));
  ASSERT_EQ(events.size(), 2);
  EXPECT_EQ(events[0].log().text(), "b1");
}

TEST_F(StoreTest, ReadEventsStartsAndStopsWhereAsked) {
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

TEST_F(StoreTest, UpdateOfAnUnknownJobIsNotFound) {
  v1::Job job = TrainJob("job-x");
  EXPECT_THAT(store_->UpdateJob(&job, {}), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "job-x"));
}

TEST_F(StoreTest, RefusesASecondJobOfAnId) {
  Insert(TrainJob("job-a"));
  v1::Job again = TrainJob("job-a");
  EXPECT_THAT(store_->InsertJob(&again, {}), IsError(absl::StatusCode::kAlreadyExists, "JOB_ID_TAKEN", "job-a"));
}

TEST_F(StoreTest, RequestIdsAreUniqueAndFoundAcrossReopen) {
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

TEST_F(StoreTest, ManyJobsMayHaveNoRequestId) {
  Insert(TrainJob("job-a"));
  Insert(TrainJob("job-b"));
  ASSERT_OK_AND_ASSIGN(const auto found, store_->FindJobByRequestId(""));
  EXPECT_FALSE(found.has_value());
}

TEST_F(StoreTest, FindsTheNewestJobOfAName) {
  Insert(TrainJob("job-z", "m"));
  Insert(TrainJob("job-a", "m"));
  Insert(TrainJob("job-m", "other"));
  ASSERT_OK_AND_ASSIGN(const auto newest, store_->FindNewestJobByName("m"));
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->id(), "job-a");
  ASSERT_OK_AND_ASSIGN(const auto none, store_->FindNewestJobByName("nobody"));
  EXPECT_FALSE(none.has_value());
}

TEST_F(StoreTest, ListsJobsInStatesOldestFirst) {
  Insert(TrainJob("job-c", "c", v1::RUNNING));
  Insert(TrainJob("job-b", "b", v1::SUCCEEDED));
  Insert(TrainJob("job-a", "a", v1::QUEUED));
  ASSERT_OK_AND_ASSIGN(const auto jobs, store_->ListJobsInStates({v1::QUEUED, v1::RUNNING}));
  ASSERT_EQ(jobs.size(), 2);
  EXPECT_EQ(jobs[0].id(), "job-c");
  EXPECT_EQ(jobs[1].id(), "job-a");
}

TEST_F(StoreTest, CountsJobsByKindAndState) {
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

TEST_F(StoreTest, PagesThroughJobsNewestFirst) {
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

TEST_F(StoreTest, APageThatIsExactlyFullIsTheLast) {
  Insert(TrainJob("job-1"));
  Insert(TrainJob("job-2"));
  v1::ListJobsRequest request;
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListJobs(request));
  EXPECT_EQ(page.jobs_size(), 2);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(StoreTest, FiltersByStateAndKindAcrossPages) {
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

TEST_F(StoreTest, ListingFollowsAStateThatChanges) {
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

TEST_F(StoreTest, NamesABadPageSizeOrToken) {
  v1::ListJobsRequest request;
  request.set_page_size(1001);
  EXPECT_THAT(store_->ListJobs(request),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_size: 1001"));
  request.set_page_size(1000);
  EXPECT_THAT(store_->ListJobs(request), IsOk());
  request.set_page_token("no token");
  EXPECT_THAT(store_->ListJobs(request), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_token"));
}

TEST_F(StoreTest, AnotherListingsTokenIsRefused) {
  Insert(TrainJob("job-1"));
  Insert(TrainJob("job-2"));
  v1::ListJobsRequest jobs;
  jobs.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListJobs(jobs));
  v1::ListModelsRequest models;
  models.set_page_token(page.next_page_token());
  EXPECT_THAT(store_->ListModels(models), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "page_token"));
}

TEST_F(StoreTest, FinishesAJobWithItsDatasetAtomically) {
  v1::Job job = PrepareJob("job-a", "kiba");
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  job.set_state(v1::SUCCEEDED);
  v1::Dataset dataset;
  dataset.set_name("kiba");
  dataset.mutable_summary()->set_drugs(3);
  ASSERT_THAT(store_->FinishJobWithDataset(&job, {Log("done")}, dataset), IsOk());
  Reopen();
  ASSERT_OK_AND_ASSIGN(const v1::Dataset read, store_->GetDataset("kiba"));
  EXPECT_EQ(read.summary().drugs(), 3);

  v1::Job second = PrepareJob("job-b", "kiba");
  ASSERT_THAT(store_->InsertJob(&second, {}), IsOk());
  second.set_state(v1::SUCCEEDED);
  EXPECT_THAT(store_->FinishJobWithDataset(&second, {Log("done")}, dataset),
              IsError(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "\"kiba\""));
  ASSERT_OK_AND_ASSIGN(const v1::Job unchanged, store_->GetJob("job-b"));
  EXPECT_EQ(unchanged.state(), v1::QUEUED);
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ReadEvents("job-b", 0, 10));
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(StoreTest, FinishingAnUnknownJobKeepsNoModel) {
  v1::Job job = TrainJob("job-x");
  v1::Model model;
  model.set_name("m");
  EXPECT_THAT(store_->FinishJobWithModel(&job, {}, model),
              IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "job-x"));
  EXPECT_THAT(store_->GetModel("m"), IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "\"m\""));
}

TEST_F(StoreTest, NotFoundNamesWhatThereIs) {
  EXPECT_THAT(store_->GetDataset("x"), IsError(absl::StatusCode::kNotFound, "DATASET_NOT_FOUND",
                                               "there is no data set \"x\"; there is none yet; make one with"));
  v1::Job job = TrainJob("job-a");
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  for (int i = 0; i < 12; ++i) {
    v1::Model model;
    model.set_name(absl::StrCat("m", 10 + i));
    ASSERT_THAT(store_->FinishJobWithModel(&job, {}, model), IsOk());
  }
  const absl::Status missing = store_->GetModel("x").status();
  EXPECT_THAT(missing, IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "there are: m10, m11"));
  EXPECT_THAT(missing, IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "m19, ... and 2 more"));
}

TEST_F(StoreTest, PagesThroughModelsByName) {
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

TEST_F(StoreTest, RefusesASecondServerOnItsDirectory) {
  EXPECT_THAT(Store::Open(layout_.Database()),
              IsError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_IN_USE",
                      absl::StrCat("another server uses data directory ", layout_.data_dir)));
  store_ = nullptr;
  EXPECT_THAT(Store::Open(layout_.Database()), IsOk());
}

TEST_F(StoreTest, RefusesADatabaseOfANewerVersion) {
  store_ = nullptr;
  {
    SQLite::Database database(layout_.Database(), SQLite::OPEN_READWRITE);
    database.exec(absl::StrCat("PRAGMA user_version = ", kSchemaVersion + 1));
  }
  EXPECT_THAT(Store::Open(layout_.Database()),
              IsError(absl::StatusCode::kFailedPrecondition, "DATABASE_TOO_NEW", "is of version 2"));
}

// How SQLite would run a query on the store's schema.
std::string QueryPlan(const std::string& path, const std::string& query) {
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  SQLite::Statement explain(database, "EXPLAIN QUERY PLAN " + query);
  std::string plan;
  while (explain.executeStep()) absl::StrAppend(&plan, explain.getColumn("detail").getString(), "\n");
  return plan;
}

TEST_F(StoreTest, LookupsSearchAnIndexInsteadOfReadingEveryJob) {
  for (const char* condition :
       {"id = 'x'", "request_id = 'x'", "name = 'x' ORDER BY number DESC LIMIT 1", "state IN (1, 2)"}) {
    const std::string plan = QueryPlan(layout_.Database(), absl::StrCat("SELECT job FROM jobs WHERE ", condition));
    EXPECT_THAT(plan, HasSubstr("SEARCH jobs USING")) << condition;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN"))) << condition;
  }
}

// 10,000 jobs, the oldest of them alone in its state.
TEST_F(StoreTest, FindsOneOfTenThousandJobs) {
  Insert(TrainJob("job-first", "first", v1::RUNNING));
  store_ = nullptr;
  {
    SQLite::Database database(layout_.Database(), SQLite::OPEN_READWRITE);
    SQLite::Transaction transaction(database);
    SQLite::Statement insert(database, "INSERT INTO jobs (id, name, kind, state, job) VALUES (?, ?, 2, 4, ?)");
    v1::Job job = TrainJob("", "m", v1::SUCCEEDED);
    job.mutable_error()->set_message(std::string(4000, 'x'));
    for (int i = 0; i < 10000; ++i) {
      job.set_id(absl::StrCat("job-", i));
      const std::string bytes = job.SerializeAsString();
      insert.bind(1, job.id());
      insert.bind(2, job.name());
      insert.bind(3, bytes.data(), static_cast<int>(bytes.size()));
      insert.exec();
      insert.reset();
    }
    transaction.commit();
  }
  Reopen();
  v1::ListJobsRequest request;
  request.add_states(v1::RUNNING);
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListJobs(request));
  EXPECT_THAT(Ids(page), ElementsAre("job-first"));
  EXPECT_THAT(store_->GetJob("job-5000"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto newest, store_->FindNewestJobByName("m"));
  EXPECT_EQ(newest->id(), "job-9999");
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListJobs(v1::ListJobsRequest()));
  EXPECT_EQ(first.jobs_size(), 50);
}

TEST(StoreOpenTest, NamesADirectoryThatCannotBeMade) {
  const TempDir dir;
  WriteTestFile(dir / "file", "");
  const std::string data_dir = dir / "file/data";
  EXPECT_THAT(Store::Open(DataLayout{data_dir}.Database()),
              IsError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE",
                      absl::StrCat("data directory ", data_dir, " cannot be used: ")));
}

TEST(StoreOpenTest, NamesADirectoryThatCannotBeWritten) {
  EXPECT_THAT(Store::Open("/proc/deepbindnet/deepbindnet.db"),
              IsError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE", "give a --data-dir that this user"));
}

TEST(StoreOpenTest, NamesAFileThatIsNoDatabase) {
  const TempDir dir;
  const std::string path = DataLayout{dir.path()}.Database();
  WriteTestFile(path, std::string(5000, 'x'));
  EXPECT_THAT(Store::Open(path), IsError(absl::StatusCode::kDataLoss, "DATABASE_DAMAGED", path));
}

TEST(StoreOpenTest, NamesAPathThatCannotBeOpened) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "deepbindnet.db");
  EXPECT_THAT(Store::Open(dir / "deepbindnet.db"),
              IsError(absl::StatusCode::kFailedPrecondition, "DATABASE_UNUSABLE", dir / "deepbindnet.db"));
}

TEST(SqliteErrorTest, SaysWhatToDo) {
  EXPECT_THAT(SqliteError(SQLite::Exception("full", 13 /* SQLITE_FULL */), "/d/db"),
              IsError(absl::StatusCode::kResourceExhausted, "DISK_FULL", "database /d/db: full; free space"));
  EXPECT_THAT(SqliteError(SQLite::Exception("busy", 5 | (2 << 8) /* SQLITE_BUSY_SNAPSHOT */), "/d/db"),
              IsError(absl::StatusCode::kUnavailable, "DATABASE_BUSY", "/d/db"));
  EXPECT_THAT(SqliteError(SQLite::Exception("odd", 1 /* SQLITE_ERROR */), "/d/db"),
              IsError(absl::StatusCode::kInternal, "INTERNAL", "/d/db: odd"));
}

}  // namespace
}  // namespace deepbindnet
