// A job engine on a real store, with fake time and fake workers.
#ifndef DEEPBINDNET_TESTS_SERVER_JOBS_ENGINE_FIXTURE_H_
#define DEEPBINDNET_TESTS_SERVER_JOBS_ENGINE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/job_engine_impl.h"
#include "server/store/data_layout.h"
#include "tests/server/jobs/worker_events.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_worker_launcher.h"
#include "tests/support/faulty_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  // The server starts; the workers of the one before are forgotten.
  void Open() {
    ASSERT_OK_AND_ASSIGN(store_, Store::Open(layout_.Database()));
    faulty_store_ = std::make_unique<FaultyStore>(store_.get());
    OpenEngine();
  }
  void OpenEngine() {
    JobEngineDependencies dependencies;
    dependencies.clock = &clock_;
    dependencies.launcher = workers_->MakeLauncher();
    dependencies.new_job_id = [this] { return absl::StrCat("job-", ++ids_); };
    dependencies.free_bytes = [this] { return free_bytes_.load(); };
    ASSERT_OK_AND_ASSIGN(engine_, JobEngineImpl::Create(options_, faulty_store_.get(), std::move(dependencies)));
    engine_->StartScheduling();
  }
  // The server stops, without a drain.
  void Close() {
    engine_ = nullptr;
    faulty_store_ = nullptr;
    store_ = nullptr;
    workers_ = std::make_unique<FakeWorkers>();
  }
  void Reopen() {
    Close();
    Open();
  }

  static JobSubmission Training(const std::string& model, int priority = 0) {
    JobSubmission submission;
    submission.spec.mutable_train()->set_model(model);
    submission.spec.mutable_train()->set_dataset("kiba");
    submission.spec.mutable_train()->mutable_options()->set_lr(0.25);
    submission.priority = priority;
    return submission;
  }
  JobSubmission Preparation(const std::string& dataset) {
    JobSubmission submission;
    submission.spec.mutable_prepare_dataset()->set_dataset(dataset);
    submission.spec.mutable_prepare_dataset()->set_file_name("pairs.csv");
    submission.spec.mutable_prepare_dataset()->mutable_split()->set_seed(7);
    submission.input_file = absl::StrCat(layout_.UploadsDir(), "/", ++uploads_);
    WriteTestFile(submission.input_file, "smiles,sequence,KIBA\n");
    return submission;
  }

  // The id of the accepted job; empty where it is not accepted, which fails the test.
  std::string Submit(const JobSubmission& submission) {
    const auto job = engine_->Submit(submission);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? job->id() : "";
  }
  v1::Job Get(const std::string& job) {
    const auto found = engine_->Get(job);
    EXPECT_THAT(found, IsOk());
    return found.value_or(v1::Job());
  }
  std::vector<v1::JobEvent> Events(const std::string& id) {
    auto events = engine_->ReadEvents(id, 1, 100000);
    EXPECT_THAT(events, IsOk());
    return events.value_or(std::vector<v1::JobEvent>());
  }

  // Waits for news of job `id` until `done`; false after TestDeadline().
  bool Await(const std::string& id, const std::function<bool()>& done) {
    Mutex mutex;
    CondVar changed;
    bool news = true;
    const auto handle = engine_->Subscribe(id, [&] {
      MutexLock lock(&mutex);
      news = true;
      changed.SignalAll();
    });
    while (!done()) {
      MutexLock lock(&mutex);
      while (!news) {
        if (!changed.WaitUntil(&mutex, TestDeadline()) && !news) return false;
      }
      news = false;
    }
    return true;
  }
  bool AwaitState(const std::string& id, v1::JobState state) {
    return Await(id, [&] { return Get(id).state() == state; });
  }

  // Prepares the data set "kiba" with the unit pKd, through a worker.
  void MakeDataset(const std::string& name = "kiba") {
    const size_t worker_number = workers_->started();
    const std::string id = Submit(Preparation(name));
    const auto worker = workers_->WaitFor(worker_number);
    ASSERT_NE(worker, nullptr);
    WriteTestFile(worker->task().dataset_dir() + "/manifest.json", "{}");
    v1::JobResult result;
    result.mutable_dataset()->set_affinity_unit("pKd");
    result.mutable_dataset()->set_affinity_direction(v1::HIGHER_BINDS_TIGHTER);
    result.mutable_dataset()->set_protein_feature_dim(1280);
    worker->EmitResult(result);
    worker->Exit(0);
    ASSERT_TRUE(AwaitState(id, v1::SUCCEEDED));
  }
  // Trains "kiba" to a model of this name, through a worker.
  void MakeModel(const std::string& name) {
    const size_t worker_number = workers_->started();
    const std::string id = Submit(Training(name));
    const auto worker = workers_->WaitFor(worker_number);
    ASSERT_NE(worker, nullptr);
    WriteTestFile(worker->task().output_dir() + "/best_model.pt", "weights");
    worker->EmitResult(TrainingResult());
    worker->Exit(0);
    ASSERT_TRUE(AwaitState(id, v1::SUCCEEDED));
  }

  const TempDir dir_;
  const DataLayout layout_{dir_ / "data"};
  JobEngineOptions options_ = [this] {
    JobEngineOptions options;
    options.data_dir = layout_.data_dir;
    return options;
  }();
  std::atomic<int> ids_{0};
  std::atomic<uint64_t> free_bytes_{uint64_t{1} << 40};
  int uploads_ = 0;
  FakeClock clock_;
  std::unique_ptr<FakeWorkers> workers_ = std::make_unique<FakeWorkers>();
  std::unique_ptr<Store> store_;
  std::unique_ptr<FaultyStore> faulty_store_;
  std::unique_ptr<JobEngineImpl> engine_;
};

// With a data set to train on.
class TrainingTest : public EngineTest {
 protected:
  void SetUp() override {
    Open();
    MakeDataset();
    Reopen();
  }

  // Submits a training and waits for its worker; id_ is the job's.
  std::shared_ptr<FakeWorker> Start(const JobSubmission& submission) {
    const size_t worker_number = workers_->started();
    id_ = Submit(submission);
    auto worker = workers_->WaitFor(worker_number);
    EXPECT_NE(worker, nullptr);
    return worker;
  }
  std::shared_ptr<FakeWorker> StartTraining(int max_restarts = 3) {
    JobSubmission submission = Training("m");
    submission.max_restarts = max_restarts;
    return Start(submission);
  }

  std::string id_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_JOBS_ENGINE_FIXTURE_H_
