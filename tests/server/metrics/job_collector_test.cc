#include "server/metrics/job_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <vector>

#include "server/store/store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Knows the live state of one job.
class OneJobEngine : public JobEngine {
 public:
  explicit OneJobEngine(v1::Job job) : job_(std::move(job)) {}

  absl::StatusOr<v1::Job> Get(const std::string& job) override {
    if (job != job_.id()) return absl::NotFoundError(job);
    return job_;
  }
  void StartScheduling() override {}
  absl::StatusOr<v1::Job> Submit(const JobSubmission&) override { return absl::UnimplementedError(""); }
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<v1::Job> Pause(const std::string&) override { return absl::UnimplementedError(""); }
  absl::StatusOr<v1::Job> Resume(const std::string&) override { return absl::UnimplementedError(""); }
  absl::StatusOr<v1::Job> Cancel(const std::string&) override { return absl::UnimplementedError(""); }
  absl::Status Delete(const std::string&) override { return absl::UnimplementedError(""); }
  absl::Status DeleteDataset(const std::string&) override { return absl::UnimplementedError(""); }
  absl::Status DeleteModel(const std::string&) override { return absl::UnimplementedError(""); }
  absl::StatusOr<std::vector<v1::JobEvent>> ReadEvents(const std::string&, uint64_t, int) override {
    return absl::UnimplementedError("");
  }
  std::shared_ptr<void> Subscribe(const std::string&, JobListener) override { return nullptr; }
  Counts counts() override { return {}; }
  std::vector<v1::DeviceSlot> slots() override {
    std::vector<v1::DeviceSlot> slots(3);
    slots[1].set_job(job_.id());
    return slots;
  }
  void Drain(absl::Time) override {}

 private:
  const v1::Job job_;
};

v1::Job TrainJob(const std::string& id, v1::JobState state) {
  v1::Job job;
  job.set_id(id);
  job.set_name("model-" + id);
  job.mutable_spec()->mutable_train()->set_model(job.name());
  job.set_state(state);
  return job;
}

class JobCollectorTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(store_, Store::Open(dir_ / "deepbindnet.db")); }

  void Insert(v1::Job job) { ASSERT_THAT(store_->InsertJob(&job, {}), IsOk()); }

  std::string Collect(const v1::Job& live = {}) {
    OneJobEngine engine(live);
    return prometheus::TextSerializer().Serialize(JobCollector(store_.get(), &engine).Collect());
  }

  TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(JobCollectorTest, CountsJobsByKindAndStateZerosIncluded) {
  Insert(TrainJob("a", v1::QUEUED));
  Insert(TrainJob("b", v1::FAILED));
  Insert(TrainJob("c", v1::FAILED));
  const std::string text = Collect();
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_jobs{kind="train",state="queued"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_jobs{kind="train",state="failed"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_jobs{kind="compare",state="succeeded"} 0)"));
}

TEST_F(JobCollectorTest, ShowsARunningTraining) {
  v1::Job job = TrainJob("a", v1::RUNNING);
  Insert(job);
  job.mutable_progress()->set_epoch(4);
  job.mutable_progress()->set_loss(0.5);
  job.mutable_latest_epoch()->set_epoch(3);
  job.mutable_latest_epoch()->mutable_val()->set_rmse(0.75);
  job.mutable_latest_epoch()->set_pairs_per_second(1234);
  const std::string text = Collect(job);
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_training_epoch{job="a",model="model-a"} 4)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_training_loss{job="a",model="model-a"} 0.5)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_training_rmse{job="a",model="model-a"} 0.75)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_training_pairs_per_second{job="a",model="model-a"} 1234)"));
}

TEST_F(JobCollectorTest, TrainingWithoutAnEpochHasNoMetricsYet) {
  v1::Job job = TrainJob("a", v1::RUNNING);
  Insert(job);
  const std::string text = Collect(job);
  EXPECT_THAT(text, HasSubstr("deepbindnet_training_epoch{"));
  EXPECT_THAT(text, Not(HasSubstr("deepbindnet_training_loss{")));
  EXPECT_THAT(text, Not(HasSubstr("deepbindnet_training_rmse{")));
}

TEST_F(JobCollectorTest, EndedTrainingIsNotShown) {
  Insert(TrainJob("a", v1::SUCCEEDED));
  EXPECT_THAT(Collect(TrainJob("a", v1::SUCCEEDED)), Not(HasSubstr("deepbindnet_training_epoch{")));
}

}  // namespace
}  // namespace deepbindnet
