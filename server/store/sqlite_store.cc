#include <filesystem>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "core/base/file_descriptor.h"
#include "core/base/mutex.h"
#include "server/store/data_dir_lock.h"
#include "server/store/database.h"
#include "server/store/job_rows.h"
#include "server/store/named_rows.h"
#include "server/store/store.h"
#include "server/store/stored_message.h"

namespace deepbindnet {
namespace {

// One connection, used by one thread at a time.
class SqliteStore : public Store {
 public:
  SqliteStore(std::string path, FileDescriptor lock, std::unique_ptr<SQLite::Database> database)
      : path_(std::move(path)), lock_(std::move(lock)), database_(std::move(database)) {}

  absl::Status InsertJob(v1::Job* job, std::vector<v1::JobEvent> events) override {
    return Write(job, [&events](SQLite::Database& database, v1::Job* written) {
      return InsertJobRow(database, written, std::move(events));
    });
  }

  absl::Status UpdateJob(v1::Job* job, std::vector<v1::JobEvent> events) override {
    return Write(job, [&events](SQLite::Database& database, v1::Job* written) {
      return UpdateJobRow(database, written, std::move(events));
    });
  }

  absl::Status FinishJobWithDataset(v1::Job* job, std::vector<v1::JobEvent> events,
                                    const v1::Dataset& dataset) override {
    return Write(job, [&](SQLite::Database& database, v1::Job* written) -> absl::Status {
      DBN_RETURN_IF_ERROR(InsertNamedRow(database, kDatasetTable, dataset.name(), dataset.SerializeAsString()));
      return UpdateJobRow(database, written, std::move(events));
    });
  }

  absl::Status FinishJobWithModel(v1::Job* job, std::vector<v1::JobEvent> events, const v1::Model& model) override {
    return Write(job, [&](SQLite::Database& database, v1::Job* written) -> absl::Status {
      DBN_RETURN_IF_ERROR(InsertNamedRow(database, kModelTable, model.name(), model.SerializeAsString()));
      return UpdateJobRow(database, written, std::move(events));
    });
  }

  absl::Status DeleteJob(const std::string& id) override {
    return Transact([&id](SQLite::Database& database) { return DeleteJobRow(database, id); });
  }

  absl::Status DeleteDataset(const std::string& name) override {
    DBN_ASSIGN_OR_RETURN(const v1::Dataset dataset, GetDataset(name));
    return DeleteProduct(kDatasetTable, name, dataset.job_id());
  }

  absl::Status DeleteModel(const std::string& name) override {
    DBN_ASSIGN_OR_RETURN(const v1::Model model, GetModel(name));
    return DeleteProduct(kModelTable, name, model.job_id());
  }

  absl::StatusOr<v1::Job> GetJob(const std::string& id) override {
    return Read([&id](SQLite::Database& database) -> absl::StatusOr<v1::Job> {
      DBN_ASSIGN_OR_RETURN(std::optional<v1::Job> job, SelectJob(database, kJobById, id));
      if (!job) return JobNotFound(id);
      return *std::move(job);
    });
  }

  absl::StatusOr<std::optional<v1::Job>> FindJobByRequestId(const std::string& request_id) override {
    return Read([&](SQLite::Database& database) { return SelectJob(database, kJobByRequestId, request_id); });
  }

  absl::StatusOr<std::optional<v1::Job>> FindNewestJobByName(const std::string& name) override {
    return Read([&name](SQLite::Database& database) { return SelectJob(database, kNewestJobByName, name); });
  }

  absl::StatusOr<std::vector<v1::Job>> ListJobsInStates(const std::vector<v1::JobState>& states) override {
    return Read([&states](SQLite::Database& database) { return SelectJobsInStates(database, states); });
  }

  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request) override {
    return Read([&request](SQLite::Database& database) { return SelectJobsPage(database, request); });
  }

  absl::StatusOr<std::vector<v1::JobEvent>> ReadEvents(const std::string& job_id, uint64_t from_sequence,
                                                       int limit) override {
    return Read([&](SQLite::Database& database) { return SelectEvents(database, job_id, from_sequence, limit); });
  }

  absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) override {
    DBN_ASSIGN_OR_RETURN(const std::string bytes, Read([&name](SQLite::Database& database) {
                           return SelectNamedRow(database, kDatasetTable, name);
                         }));
    return ParseStored<v1::Dataset>(bytes);
  }

  absl::StatusOr<v1::Model> GetModel(const std::string& name) override {
    DBN_ASSIGN_OR_RETURN(const std::string bytes, Read([&name](SQLite::Database& database) {
                           return SelectNamedRow(database, kModelTable, name);
                         }));
    return ParseStored<v1::Model>(bytes);
  }

  absl::StatusOr<std::vector<JobCount>> CountJobs() override {
    return Read(
        [](SQLite::Database& database) -> absl::StatusOr<std::vector<JobCount>> { return CountJobRows(database); });
  }

  absl::StatusOr<v1::ListDatasetsResponse> ListDatasets(const v1::ListDatasetsRequest& request) override {
    DBN_ASSIGN_OR_RETURN(const NamedPage page, ReadPage(kDatasetTable, request.page_size(), request.page_token()));
    v1::ListDatasetsResponse response;
    response.set_next_page_token(page.next_page_token);
    for (const std::string& bytes : page.messages) {
      DBN_ASSIGN_OR_RETURN(*response.add_datasets(), ParseStored<v1::Dataset>(bytes));
    }
    return response;
  }

  absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request) override {
    DBN_ASSIGN_OR_RETURN(const NamedPage page, ReadPage(kModelTable, request.page_size(), request.page_token()));
    v1::ListModelsResponse response;
    response.set_next_page_token(page.next_page_token);
    for (const std::string& bytes : page.messages) {
      DBN_ASSIGN_OR_RETURN(*response.add_models(), ParseStored<v1::Model>(bytes));
    }
    return response;
  }

 private:
  template <typename Body>
  auto Read(Body body) -> decltype(body(std::declval<SQLite::Database&>())) {
    MutexLock lock(&mutex_);
    SQLite::Database& database = *database_;
    return CatchSqlite(path_, [&] { return body(database); });
  }

  // All that `body` writes, or nothing.
  template <typename Body>
  absl::Status Transact(Body body) {
    return Read([&body](SQLite::Database& database) -> absl::Status {
      SQLite::Transaction transaction(database);
      DBN_RETURN_IF_ERROR(body(database));
      transaction.commit();
      return absl::OkStatus();
    });
  }

  // `*job` changes only when everything is committed.
  template <typename Body>
  absl::Status Write(v1::Job* job, Body body) {
    v1::Job written = *job;
    DBN_RETURN_IF_ERROR(Transact([&](SQLite::Database& database) { return body(database, &written); }));
    job->set_last_sequence(written.last_sequence());
    return absl::OkStatus();
  }

  absl::Status DeleteProduct(const NamedTable& table, const std::string& name, const std::string& job_id) {
    return Transact([&](SQLite::Database& database) -> absl::Status {
      DBN_RETURN_IF_ERROR(DeleteNamedRow(database, table, name));
      DBN_ASSIGN_OR_RETURN(std::optional<v1::Job> job, SelectJob(database, kJobById, job_id));
      if (!job) return absl::OkStatus();
      job->clear_artifacts();
      return UpdateJobRow(database, &*job, {});
    });
  }

  absl::StatusOr<NamedPage> ReadPage(const NamedTable& table, uint32_t page_size, const std::string& page_token) {
    return Read([&](SQLite::Database& database) { return SelectNamedPage(database, table, page_size, page_token); });
  }

  // Constant after construction.
  const std::string path_;
  const FileDescriptor lock_;  // On the data directory.

  Mutex mutex_;
  const std::unique_ptr<SQLite::Database> database_ ABSL_PT_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  DBN_ASSIGN_OR_RETURN(FileDescriptor lock, LockDataDir(parent.empty() ? "." : parent));
  DBN_ASSIGN_OR_RETURN(auto database, OpenDatabase(path));
  return std::make_unique<SqliteStore>(path, std::move(lock), std::move(database));
}

}  // namespace deepbindnet
