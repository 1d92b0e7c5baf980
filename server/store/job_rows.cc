#include "server/store/job_rows.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/store/job_kind.h"
#include "server/store/page_token.h"
#include "server/store/stored_message.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kJobList = "jobs";

void BindBlob(SQLite::Statement& statement, int index, const std::string& bytes) {
  statement.bind(index, bytes.data(), static_cast<int>(bytes.size()));
}

// The stored form, without what is live only.
std::string SerializeForStore(const v1::Job& job) {
  v1::Job stored = job;
  stored.clear_progress();
  stored.clear_devices();
  stored.clear_queue_position();
  return stored.SerializeAsString();
}

// The job's number; none where there is no such job.
std::optional<int64_t> JobNumber(SQLite::Database& database, const std::string& id) {
  SQLite::Statement select(database, "SELECT number FROM jobs WHERE id = ?");
  select.bind(1, id);
  if (!select.executeStep()) return std::nullopt;
  return select.getColumn(0).getInt64();
}

bool Exists(SQLite::Database& database, const char* query, const std::string& value) {
  SQLite::Statement select(database, query);
  select.bind(1, value);
  return select.executeStep();
}

// Numbers `events` from `newest` + 1 on; returns the last number.
uint64_t AppendEvents(SQLite::Database& database, int64_t job_number, const std::string& id, uint64_t newest,
                      std::vector<v1::JobEvent> events) {
  SQLite::Statement insert(database, "INSERT INTO events (job_number, sequence, event) VALUES (?, ?, ?)");
  for (v1::JobEvent& event : events) {
    event.set_job_id(id);
    event.set_sequence(++newest);
    insert.bind(1, job_number);
    insert.bind(2, static_cast<int64_t>(newest));
    BindBlob(insert, 3, event.SerializeAsString());
    insert.exec();
    insert.reset();
  }
  return newest;
}

uint64_t NewestSequence(SQLite::Database& database, int64_t job_number) {
  SQLite::Statement select(database, "SELECT COALESCE(MAX(sequence), 0) FROM events WHERE job_number = ?");
  select.bind(1, job_number);
  select.executeStep();
  return static_cast<uint64_t>(select.getColumn(0).getInt64());
}

// " AND column IN (1,2)", or nothing for an empty filter. Values are integers, so nothing needs escaping.
template <typename Values>
std::string FilterClause(absl::string_view column, const Values& values) {
  if (values.empty()) return "";
  const std::set<int> distinct(values.begin(), values.end());
  return absl::StrCat(" AND ", column, " IN (", absl::StrJoin(distinct, ","), ")");
}

}  // namespace

absl::Status JobNotFound(const std::string& job) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no job with the id or name \"", job,
                                                     "\"; `deepbindnet jobs list` shows those there are")),
                    "JOB_NOT_FOUND", {{"job", job}});
}

absl::Status InsertJobRow(SQLite::Database& database, v1::Job* job, std::vector<v1::JobEvent> events) {
  if (Exists(database, "SELECT 1 FROM jobs WHERE id = ?", job->id())) {
    return WithReason(absl::AlreadyExistsError(absl::StrCat("there is a job with the id ", job->id())), "JOB_ID_TAKEN");
  }
  if (!job->request_id().empty() && Exists(database, "SELECT 1 FROM jobs WHERE request_id = ?", job->request_id())) {
    return WithReason(absl::AlreadyExistsError(absl::StrCat("there is a job with the request_id ", job->request_id())),
                      "REQUEST_ID_TAKEN", {{"request_id", job->request_id()}});
  }
  job->set_last_sequence(events.size());
  SQLite::Statement insert(
      database, "INSERT INTO jobs (id, name, kind, state, request_id, job, submitter) VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, job->id());
  insert.bind(2, job->name());
  insert.bind(3, static_cast<int>(KindOf(job->spec())));
  insert.bind(4, static_cast<int>(job->state()));
  if (!job->request_id().empty()) insert.bind(5, job->request_id());  // Else NULL, of which there may be many.
  BindBlob(insert, 6, SerializeForStore(*job));
  insert.bind(7, job->submitter());
  insert.exec();
  AppendEvents(database, database.getLastInsertRowid(), job->id(), 0, std::move(events));
  return absl::OkStatus();
}

absl::Status UpdateJobRow(SQLite::Database& database, v1::Job* job, std::vector<v1::JobEvent> events) {
  const std::optional<int64_t> number = JobNumber(database, job->id());
  if (!number) return JobNotFound(job->id());
  const uint64_t newest = NewestSequence(database, *number);
  job->set_last_sequence(AppendEvents(database, *number, job->id(), newest, std::move(events)));
  SQLite::Statement update(database, "UPDATE jobs SET state = ?, job = ? WHERE number = ?");
  update.bind(1, static_cast<int>(job->state()));
  BindBlob(update, 2, SerializeForStore(*job));
  update.bind(3, *number);
  update.exec();
  return absl::OkStatus();
}

absl::Status DeleteJobRow(SQLite::Database& database, const std::string& id) {
  const std::optional<int64_t> number = JobNumber(database, id);
  if (!number) return JobNotFound(id);
  for (const char* query : {"DELETE FROM events WHERE job_number = ?", "DELETE FROM jobs WHERE number = ?"}) {
    SQLite::Statement remove(database, query);
    remove.bind(1, *number);
    remove.exec();
  }
  return absl::OkStatus();
}

std::string JobsInStatesQuery(const std::vector<v1::JobState>& states) {
  const std::set<int> distinct(states.begin(), states.end());
  return absl::StrCat("SELECT job FROM jobs WHERE state IN (", absl::StrJoin(distinct, ","), ") ORDER BY number");
}

std::string JobsPageQuery(const v1::ListJobsRequest& request) {
  return absl::StrCat(
      "SELECT page.number, jobs.job FROM (SELECT number FROM jobs INDEXED BY jobs_in_order WHERE number < ?1",
      FilterClause("state", request.states()), FilterClause("kind", request.kinds()),
      request.name_prefix().empty() ? "" : " AND substr(name, 1, length(?3)) = ?3",
      request.submitter().empty() ? "" : " AND submitter = ?4",
      " ORDER BY number DESC LIMIT ?2) AS page JOIN jobs ON jobs.number = page.number ORDER BY page.number DESC");
}

absl::StatusOr<std::optional<v1::Job>> SelectJob(SQLite::Database& database, const char* query,
                                                 const std::string& value) {
  SQLite::Statement select(database, query);
  select.bind(1, value);
  if (!select.executeStep()) return std::optional<v1::Job>();
  return ParseStored<v1::Job>(select.getColumn(0).getString());
}

absl::StatusOr<std::vector<v1::Job>> SelectJobsInStates(SQLite::Database& database,
                                                        const std::vector<v1::JobState>& states) {
  std::vector<v1::Job> jobs;
  SQLite::Statement select(database, JobsInStatesQuery(states));
  while (select.executeStep()) {
    DBN_ASSIGN_OR_RETURN(v1::Job job, ParseStored<v1::Job>(select.getColumn(0).getString()));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<JobCount> CountJobRows(SQLite::Database& database) {
  std::vector<JobCount> counts;
  SQLite::Statement select(database, "SELECT kind, state, COUNT(*) FROM jobs GROUP BY kind, state");
  while (select.executeStep()) {
    counts.push_back({static_cast<v1::JobKind>(select.getColumn(0).getInt()),
                      static_cast<v1::JobState>(select.getColumn(1).getInt()), select.getColumn(2).getInt64()});
  }
  return counts;
}

absl::StatusOr<v1::ListJobsResponse> SelectJobsPage(SQLite::Database& database, const v1::ListJobsRequest& request) {
  DBN_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  int64_t before = std::numeric_limits<int64_t>::max();
  if (!request.page_token().empty()) {
    DBN_ASSIGN_OR_RETURN(const std::string key, DecodePageToken(kJobList, request.page_token()));
    if (!absl::SimpleAtoi(key, &before)) {
      return InvalidField("page_token", request.page_token(), "is damaged; give next_page_token of the page before");
    }
  }
  SQLite::Statement select(database, JobsPageQuery(request));
  select.bind(1, before);
  select.bind(2, page_size + 1);  // One more tells whether there is a next page.
  if (!request.name_prefix().empty()) select.bind(3, request.name_prefix());
  if (!request.submitter().empty()) select.bind(4, request.submitter());
  v1::ListJobsResponse response;
  int64_t last = 0;
  while (select.executeStep()) {
    if (response.jobs_size() == page_size) {
      response.set_next_page_token(EncodePageToken(kJobList, absl::StrCat(last)));
      break;
    }
    last = select.getColumn(0).getInt64();
    DBN_ASSIGN_OR_RETURN(*response.add_jobs(), ParseStored<v1::Job>(select.getColumn(1).getString()));
  }
  return response;
}

absl::StatusOr<std::vector<v1::JobEvent>> SelectEvents(SQLite::Database& database, const std::string& job_id,
                                                       uint64_t from_sequence, int limit) {
  const std::optional<int64_t> number = JobNumber(database, job_id);
  if (!number) return JobNotFound(job_id);
  SQLite::Statement select(database,
                           "SELECT event FROM events WHERE job_number = ? AND sequence >= ? ORDER BY sequence LIMIT ?");
  constexpr uint64_t kLargest = std::numeric_limits<int64_t>::max();
  select.bind(1, *number);
  select.bind(2, static_cast<int64_t>(std::min(from_sequence, kLargest)));
  select.bind(3, std::max(limit, 0));
  std::vector<v1::JobEvent> events;
  while (select.executeStep()) {
    DBN_ASSIGN_OR_RETURN(v1::JobEvent event, ParseStored<v1::JobEvent>(select.getColumn(0).getString()));
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace deepbindnet
