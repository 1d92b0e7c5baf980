// Rows of the jobs and events tables. Every function throws SQLite::Exception; the caller holds the connection alone
// and wraps writes in a transaction.
#ifndef DEEPBINDNET_SERVER_STORE_JOB_ROWS_H_
#define DEEPBINDNET_SERVER_STORE_JOB_ROWS_H_

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/store/store.h"

namespace deepbindnet {

// Numbers `events` after the job's newest one, writes them and the job, and sets last_sequence.
absl::Status InsertJobRow(SQLite::Database& database, v1::Job* job, std::vector<v1::JobEvent> events);
absl::Status UpdateJobRow(SQLite::Database& database, v1::Job* job, std::vector<v1::JobEvent> events);

// Removes the job and its events.
absl::Status DeleteJobRow(SQLite::Database& database, const std::string& id);

// What selects jobs; each searches an index.
inline constexpr char kJobById[] = "SELECT job FROM jobs WHERE id = ?";
inline constexpr char kJobByRequestId[] = "SELECT job FROM jobs WHERE request_id = ?";
inline constexpr char kNewestJobByName[] = "SELECT job FROM jobs WHERE name = ? ORDER BY number DESC LIMIT 1";
std::string JobsInStatesQuery(const std::vector<v1::JobState>& states);
// Its parameters: 1 the number that the page comes before, 2 how many, and where the request filters by them 3
// name_prefix and 4 submitter.
std::string JobsPageQuery(const v1::ListJobsRequest& request);

// The job that `query`, one of the three constants, finds for `value`.
absl::StatusOr<std::optional<v1::Job>> SelectJob(SQLite::Database& database, const char* query,
                                                 const std::string& value);

// Oldest first.
absl::StatusOr<std::vector<v1::Job>> SelectJobsInStates(SQLite::Database& database,
                                                        const std::vector<v1::JobState>& states);
std::vector<JobCount> CountJobRows(SQLite::Database& database);

// Newest first.
absl::StatusOr<v1::ListJobsResponse> SelectJobsPage(SQLite::Database& database, const v1::ListJobsRequest& request);

absl::StatusOr<std::vector<v1::JobEvent>> SelectEvents(SQLite::Database& database, const std::string& job_id,
                                                       uint64_t from_sequence, int limit);

// NOT_FOUND, reason JOB_NOT_FOUND.
absl::Status JobNotFound(const std::string& job);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_JOB_ROWS_H_
