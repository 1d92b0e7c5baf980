#include "server/store/database.h"

#include <filesystem>

#include "server/store/job_rows.h"
#include "tests/server/store/store_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DatabaseTest : public StoreTest {};

// How SQLite would run a query on the store's schema.
std::string QueryPlan(const std::string& path, const std::string& query) {
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  SQLite::Statement explain(database, "EXPLAIN QUERY PLAN " + query);
  std::string plan;
  while (explain.executeStep()) absl::StrAppend(&plan, explain.getColumn("detail").getString(), "\n");
  return plan;
}

TEST_F(DatabaseTest, RefusesASecondServerOnItsDirectory) {
  EXPECT_THAT(Store::Open(layout_.Database()),
              IsError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_IN_USE",
                      absl::StrCat("another server uses data directory ", layout_.data_dir)));
  store_ = nullptr;
  EXPECT_THAT(Store::Open(layout_.Database()), IsOk());
}

TEST_F(DatabaseTest, RefusesADatabaseOfANewerVersion) {
  store_ = nullptr;
  {
    SQLite::Database database(layout_.Database(), SQLite::OPEN_READWRITE);
    database.exec(absl::StrCat("PRAGMA user_version = ", kSchemaVersion + 1));
  }
  EXPECT_THAT(Store::Open(layout_.Database()), IsError(absl::StatusCode::kFailedPrecondition, "DATABASE_TOO_NEW",
                                                       absl::StrCat("is of version ", kSchemaVersion + 1)));
}

TEST_F(DatabaseTest, EveryQuerySearchesAnIndexInsteadOfReadingEveryJob) {
  v1::ListJobsRequest filtered;
  filtered.add_states(v1::RUNNING);
  filtered.add_kinds(v1::TRAIN);
  for (const std::string& query :
       {std::string(kJobById), std::string(kJobByRequestId), std::string(kNewestJobByName),
        JobsInStatesQuery({v1::QUEUED, v1::RUNNING}), JobsPageQuery(v1::ListJobsRequest()), JobsPageQuery(filtered)}) {
    const std::string plan = QueryPlan(layout_.Database(), query);
    EXPECT_THAT(plan, HasSubstr("SEARCH jobs USING")) << query;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN jobs"))) << query;
  }
}

// A rare state among many jobs is found without reading their blobs.
TEST_F(DatabaseTest, AListingFiltersInTheIndexAlone) {
  v1::ListJobsRequest filtered;
  filtered.add_states(v1::RUNNING);
  filtered.add_kinds(v1::TRAIN);
  filtered.set_name_prefix("m");
  filtered.set_submitter("alice");
  EXPECT_THAT(QueryPlan(layout_.Database(), JobsPageQuery(filtered)),
              HasSubstr("SEARCH jobs USING COVERING INDEX jobs_in_order"));
}

// As version 1 made it, with one job.
void WriteFirstVersion(const std::string& path) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec(
      "CREATE TABLE jobs (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind "
      "INTEGER NOT NULL, state INTEGER NOT NULL, request_id TEXT UNIQUE, job BLOB NOT NULL);"
      "CREATE INDEX jobs_in_order ON jobs (number, state, kind);"
      "CREATE INDEX jobs_by_state ON jobs (state);"
      "CREATE INDEX jobs_by_name ON jobs (name);"
      "CREATE TABLE events (job_number INTEGER NOT NULL, sequence INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY "
      "(job_number, sequence)) WITHOUT ROWID;"
      "CREATE TABLE datasets (name TEXT PRIMARY KEY NOT NULL, message BLOB NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE models (name TEXT PRIMARY KEY NOT NULL, message BLOB NOT NULL) WITHOUT ROWID;"
      "PRAGMA user_version = 1;");
  v1::Job job;
  job.set_id("job-old");
  job.set_name("m");
  const std::string bytes = job.SerializeAsString();
  SQLite::Statement insert(database, "INSERT INTO jobs (id, name, kind, state, job) VALUES ('job-old', 'm', 2, 1, ?)");
  insert.bind(1, bytes.data(), static_cast<int>(bytes.size()));
  insert.exec();
}

TEST(StoreOpenTest, BringsAnOlderDatabaseUpToDate) {
  const TempDir dir;
  const std::string path = DataLayout{dir.path()}.Database();
  WriteFirstVersion(path);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path));
  v1::ListJobsRequest request;
  request.set_name_prefix("m");
  ASSERT_OK_AND_ASSIGN(const v1::ListJobsResponse page, store->ListJobs(request));
  ASSERT_EQ(page.jobs_size(), 1);
  EXPECT_EQ(page.jobs(0).id(), "job-old");
  SQLite::Database database(path, SQLite::OPEN_READONLY);
  EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), kSchemaVersion);
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
