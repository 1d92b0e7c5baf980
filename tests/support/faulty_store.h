// A store whose writes fail when a test says so.
#ifndef DEEPBINDNET_TESTS_SUPPORT_FAULTY_STORE_H_
#define DEEPBINDNET_TESTS_SUPPORT_FAULTY_STORE_H_

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "server/store/store.h"
#include "tests/support/fake_worker_launcher.h"

namespace deepbindnet {

// Thread-safe. Hands everything to `store` but the writes that are to fail.
class FaultyStore : public Store {
 public:
  explicit FaultyStore(Store* store) : store_(store) {}

  // Every write, or the next `times` of them, fail with `error` from now on; OK ends it.
  void FailWrites(absl::Status error, int times = std::numeric_limits<int>::max()) {
    MutexLock lock(&mutex_);
    error_ = std::move(error);
    times_ = times;
  }
  // What GetModel answers from now on; OK ends it.
  void FailGetModel(absl::Status error) {
    MutexLock lock(&mutex_);
    get_model_error_ = std::move(error);
  }
  // Waits until `count` writes have failed since the start; false after TestDeadline().
  bool WaitForFailures(int count) {
    MutexLock lock(&mutex_);
    while (failures_ < count) {
      if (!changed_.WaitUntil(&mutex_, TestDeadline())) return failures_ >= count;
    }
    return true;
  }

  absl::Status InsertJob(v1::Job* job, std::vector<v1::JobEvent> events) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->InsertJob(job, std::move(events));
  }
  absl::Status UpdateJob(v1::Job* job, std::vector<v1::JobEvent> events) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->UpdateJob(job, std::move(events));
  }
  absl::Status FinishJobWithDataset(v1::Job* job, std::vector<v1::JobEvent> events,
                                    const v1::Dataset& dataset) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->FinishJobWithDataset(job, std::move(events), dataset);
  }
  absl::Status FinishJobWithModel(v1::Job* job, std::vector<v1::JobEvent> events, const v1::Model& model) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->FinishJobWithModel(job, std::move(events), model);
  }
  absl::Status DeleteJob(const std::string& id) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->DeleteJob(id);
  }
  absl::Status DeleteDataset(const std::string& name) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->DeleteDataset(name);
  }
  absl::Status DeleteModel(const std::string& name) override {
    DBN_RETURN_IF_ERROR(Fault());
    return store_->DeleteModel(name);
  }
  absl::StatusOr<v1::Job> GetJob(const std::string& id) override { return store_->GetJob(id); }
  absl::StatusOr<std::optional<v1::Job>> FindJobByRequestId(const std::string& request_id) override {
    return store_->FindJobByRequestId(request_id);
  }
  absl::StatusOr<std::optional<v1::Job>> FindNewestJobByName(const std::string& name) override {
    return store_->FindNewestJobByName(name);
  }
  absl::StatusOr<std::vector<v1::Job>> ListJobsInStates(const std::vector<v1::JobState>& states) override {
    return store_->ListJobsInStates(states);
  }
  absl::StatusOr<std::vector<JobCount>> CountJobs() override { return store_->CountJobs(); }
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request) override {
    return store_->ListJobs(request);
  }
  absl::StatusOr<std::vector<v1::JobEvent>> ReadEvents(const std::string& job_id, uint64_t from_sequence,
                                                       int limit) override {
    return store_->ReadEvents(job_id, from_sequence, limit);
  }
  absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) override { return store_->GetDataset(name); }
  absl::StatusOr<v1::ListDatasetsResponse> ListDatasets(const v1::ListDatasetsRequest& request) override {
    return store_->ListDatasets(request);
  }
  absl::StatusOr<v1::Model> GetModel(const std::string& name) override {
    {
      MutexLock lock(&mutex_);
      DBN_RETURN_IF_ERROR(get_model_error_);
    }
    return store_->GetModel(name);
  }
  absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request) override {
    return store_->ListModels(request);
  }

 private:
  absl::Status Fault() {
    MutexLock lock(&mutex_);
    if (error_.ok() || times_ == 0) return absl::OkStatus();
    --times_;
    ++failures_;
    changed_.SignalAll();
    return error_;
  }

  Store* const store_;

  Mutex mutex_;
  CondVar changed_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  absl::Status get_model_error_ ABSL_GUARDED_BY(mutex_);
  int times_ ABSL_GUARDED_BY(mutex_) = 0;  // Writes that are still to fail.
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_FAULTY_STORE_H_
