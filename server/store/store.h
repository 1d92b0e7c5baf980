// What survives: jobs, their journals, data sets and models, in one SQLite database (WAL) under the data directory.
#ifndef DEEPBINDNET_SERVER_STORE_STORE_H_
#define DEEPBINDNET_SERVER_STORE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet {

struct JobCount {
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
  int64_t jobs = 0;
};

// Thread-safe. Every mutation is durable (one transaction, synced) when it returns. RESOURCE_EXHAUSTED on a full disk.
class Store {
 public:
  // Opens or creates `path`. FAILED_PRECONDITION where another process holds it or it is of a newer version.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path);
  virtual ~Store() = default;

  // --- Jobs. A job is stored as its v1::Job message, without what is live only; id, name, kind, state, submitter and
  // request_id are columns. ALREADY_EXISTS where the id or a non-empty request_id is taken. `events` start the journal,
  // numbered from 1.
  virtual absl::Status InsertJob(v1::Job* job, std::vector<v1::JobEvent> events) = 0;
  // Writes the job and appends `events` to its journal in one transaction; numbers the events and sets last_sequence.
  virtual absl::Status UpdateJob(v1::Job* job, std::vector<v1::JobEvent> events) = 0;
  // Removes the job and its journal. NOT_FOUND.
  virtual absl::Status DeleteJob(const std::string& id) = 0;
  virtual absl::StatusOr<v1::Job> GetJob(const std::string& id) = 0;
  virtual absl::StatusOr<std::optional<v1::Job>> FindJobByRequestId(const std::string& request_id) = 0;
  virtual absl::StatusOr<std::optional<v1::Job>> FindNewestJobByName(const std::string& name) = 0;
  virtual absl::StatusOr<std::vector<v1::Job>> ListJobsInStates(const std::vector<v1::JobState>& states) = 0;
  // Of every kind and state that there are jobs of.
  virtual absl::StatusOr<std::vector<JobCount>> CountJobs() = 0;
  virtual absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request) = 0;  // Newest first.
  virtual absl::StatusOr<std::vector<v1::JobEvent>> ReadEvents(const std::string& job_id, uint64_t from_sequence,
                                                               int limit) = 0;

  // --- What jobs make: inserted in the same transaction as the job's SUCCEEDED state.
  virtual absl::Status FinishJobWithDataset(v1::Job* job, std::vector<v1::JobEvent> events,
                                            const v1::Dataset& dataset) = 0;
  virtual absl::Status FinishJobWithModel(v1::Job* job, std::vector<v1::JobEvent> events, const v1::Model& model) = 0;
  // Removes it, and the artifacts of the job that made it, whose files they were. NOT_FOUND as GetDataset, GetModel.
  virtual absl::Status DeleteDataset(const std::string& name) = 0;
  virtual absl::Status DeleteModel(const std::string& name) = 0;
  virtual absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) = 0;  // NOT_FOUND names those there are.
  virtual absl::StatusOr<v1::ListDatasetsResponse> ListDatasets(const v1::ListDatasetsRequest& request) = 0;
  virtual absl::StatusOr<v1::Model> GetModel(const std::string& name) = 0;  // NOT_FOUND names those there are.
  virtual absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request) = 0;
};

// ALREADY_EXISTS, reason NAME_TAKEN: there is a `thing`, "data set" or "model", of this name.
absl::Status NameTaken(absl::string_view thing, const std::string& name);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_STORE_H_
