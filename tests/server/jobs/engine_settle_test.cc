// How runs end: what becomes of the job, of its files and of what it made.
#include <signal.h>

#include <filesystem>

#include "server/jobs/artifacts.h"
#include "server/jobs/worker_task.h"
#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SettleTest : public TrainingTest {};

TEST_F(SettleTest, SuccessStoresTheModelWithTheJob) {
  const auto worker = StartTraining();
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "weights");
  WriteTestFile(layout_.ModelDir("m") + "/logs/events", "x");
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::SUCCEEDED));
  const v1::Job job = Get(id_);
  EXPECT_EQ(job.result().training().best_epoch(), 3u);
  EXPECT_THAT(job.artifacts(), ElementsAre("best_model.pt", "logs/events"));
  EXPECT_TRUE(job.has_end_time());
  EXPECT_FALSE(job.has_progress());
  ASSERT_OK_AND_ASSIGN(const v1::Model model, store_->GetModel("m"));
  EXPECT_EQ(model.job_id(), id_);
  EXPECT_EQ(model.dataset(), "kiba");
  EXPECT_EQ(model.options().lr(), 0.25);
  EXPECT_EQ(model.result().best_epoch(), 3u);
  EXPECT_EQ(model.affinity_unit(), "pKd");
  EXPECT_EQ(model.affinity_direction(), v1::HIGHER_BINDS_TIGHTER);
  EXPECT_EQ(model.protein_feature_dim(), 1280u);
  EXPECT_EQ(model.digest(), "cafe");
  EXPECT_EQ(model.create_time().seconds(), job.end_time().seconds());
  const auto events = Events(id_);
  ASSERT_GE(events.size(), 2u);
  EXPECT_TRUE(events[events.size() - 2].has_result());
  EXPECT_EQ(events.back().state_change().to(), v1::SUCCEEDED);
  EXPECT_EQ(job.last_sequence(), events.size());
}

TEST_F(SettleTest, SuccessStoresTheDatasetAndDropsTheUpload) {
  const std::string id = Submit(Preparation("davis"));
  const auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  WriteTestFile(worker->task().dataset_dir() + "/manifest.json", "{}");
  v1::JobResult result;
  result.mutable_dataset()->set_drugs(3);
  worker->EmitResult(result);
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id, v1::SUCCEEDED));
  EXPECT_THAT(Get(id).artifacts(), ElementsAre("manifest.json"));
  // Removed once the end is durable, just before listeners hear of it.
  EXPECT_TRUE(Await(id, [&] { return !std::filesystem::exists(InputFile(layout_, Get(id))); }));
  ASSERT_OK_AND_ASSIGN(const v1::Dataset dataset, store_->GetDataset("davis"));
  EXPECT_EQ(dataset.job_id(), id);
  EXPECT_EQ(dataset.split().seed(), 7u);
  EXPECT_EQ(dataset.summary().drugs(), 3u);
}

TEST_F(SettleTest, AnErrorFailsTheJobAndItsOutputIsRemovedOnceThatIsDurable) {
  const auto worker = StartTraining();
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  worker->EmitError("INVALID_FIELD", "lr: 9 is too high");
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->Exit(1);
  ASSERT_TRUE(faulty_store_->WaitForFailures(1));
  EXPECT_TRUE(std::filesystem::exists(layout_.ModelDir("m") + "/latest_checkpoint.pt"));
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  faulty_store_->FailWrites(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "INVALID_FIELD");
  EXPECT_EQ(Get(id_).error().message(), "lr: 9 is too high");
  EXPECT_THAT(Get(id_).artifacts(), ElementsAre("latest_checkpoint.pt"));
  EXPECT_TRUE(Await(id_, [&] { return !std::filesystem::exists(layout_.ModelDir("m")); }));
  const auto events = Events(id_);
  EXPECT_EQ(events[events.size() - 2].error().reason(), "INVALID_FIELD");
  EXPECT_EQ(events.back().state_change().to(), v1::FAILED);
}

TEST_F(SettleTest, AFailedPreparationKeepsItsRejectedRows) {
  const std::string id = Submit(Preparation("davis"));
  const auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  WriteTestFile(worker->task().dataset_dir() + "/rejected.csv", "line,reason\n");
  worker->EmitError("TOO_MANY_REJECTED", "half of the rows");
  worker->Exit(1);
  ASSERT_TRUE(AwaitState(id, v1::FAILED));
  EXPECT_THAT(Get(id).artifacts(), ElementsAre("rejected.csv"));
  EXPECT_TRUE(Await(id, [&] { return !std::filesystem::exists(layout_.DatasetDir("davis")); }));
}

TEST_F(SettleTest, ACrashedWorkerIsStartedAgainFromItsCheckpointUpToTheLimit) {
  auto worker = StartTraining(/*max_restarts=*/2);
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  for (uint32_t restart = 1; restart <= 2; ++restart) {
    worker->Die(SIGSEGV);
    worker = workers_->WaitFor(restart);
    ASSERT_NE(worker, nullptr);
    EXPECT_TRUE(worker->task().resume());
    EXPECT_EQ(Get(id_).restarts(), restart);
    EXPECT_TRUE(std::filesystem::exists(layout_.ModelDir("m") + "/latest_checkpoint.pt"));
  }
  WriteTestFile(layout_.JobDir(id_) + "/worker.log", "loading\nstack smashed\n");
  worker->Die(SIGSEGV);
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "WORKER_CRASHED");
  EXPECT_EQ(
      Get(id_).error().message(),
      "the worker was killed by signal 11 (SIGSEGV) after 2 restarts; the end of its log: loading | stack smashed");
  EXPECT_EQ(workers_->started(), 3u);
}

TEST_F(SettleTest, ATrainingThatBrokeOffKeepsItsFilesAndItsNameIsFree) {
  auto worker = StartTraining(/*max_restarts=*/0);
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  WriteTestFile(layout_.JobDir(id_) + "/worker.log", absl::StrCat("in ", layout_.ModelDir("m"), "/x\n"));
  worker->Die(SIGSEGV);
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  const v1::Job failed = Get(id_);
  EXPECT_THAT(failed.artifacts(), ElementsAre("latest_checkpoint.pt"));
  EXPECT_THAT(failed.error().message(), HasSubstr("in models/m/x"));  // No path of the server's machine.
  EXPECT_TRUE(Await(id_, [&] { return !std::filesystem::exists(layout_.ModelDir("m")); }));
  Submit(Training("m"));
  worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  EXPECT_FALSE(worker->task().resume());
  EXPECT_FALSE(std::filesystem::exists(layout_.ModelDir("m")));
  ASSERT_OK_AND_ASSIGN(const std::string kept, ArtifactPath(layout_, failed, "latest_checkpoint.pt"));
  EXPECT_EQ(std::filesystem::file_size(kept), 4);
}

TEST_F(SettleTest, AnEndTheStoreCannotTakeIsTriedAgainWhateverTheError) {
  const auto worker = StartTraining();
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "weights");
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->Exit(0);
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  faulty_store_->FailWrites(absl::InternalError("constraint failed"));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  faulty_store_->FailWrites(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(AwaitState(id_, v1::SUCCEEDED));
  EXPECT_EQ(Get(id_).result().training().best_epoch(), 3u);
  EXPECT_THAT(Get(id_).artifacts(), ElementsAre("best_model.pt"));
}

TEST_F(SettleTest, WhileAnEndCannotBeRecordedOtherWorkersAreStillStopped) {
  options_.slots = 2;
  Reopen();
  const auto stubborn = Start(Training("stubborn"));
  ASSERT_THAT(engine_->Cancel(id_), IsOk());
  ASSERT_TRUE(stubborn->WaitForTerminate());
  const auto worker = StartTraining();
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->Exit(0);
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  clock_.Advance(options_.stop_grace);
  EXPECT_TRUE(stubborn->WaitForKill());
}

TEST_F(SettleTest, AnEndThatCannotBeRecordedNeedsNoSlotAndTheNextStartRunsTheJobAgain) {
  const auto worker = StartTraining();
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::InternalError("constraint failed"));
  worker->Exit(0);
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  faulty_store_->FailWrites(absl::OkStatus());
  Submit(Training("other"));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  faulty_store_->FailWrites(absl::InternalError("constraint failed"));
  Reopen();
  const auto next = workers_->WaitFor(0);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->task().spec().train().model(), "m");
  EXPECT_TRUE(next->task().resume());
}

TEST_F(SettleTest, AResultWhoseNameIsTakenFailsTheJobAndLeavesTheOthersFiles) {
  const auto worker = StartTraining();
  v1::Job other;
  other.set_id("job-other");
  other.set_state(v1::SUCCEEDED);
  v1::Model model;
  model.set_name("m");
  ASSERT_THAT(store_->InsertJob(&other, {}), IsOk());
  ASSERT_THAT(store_->FinishJobWithModel(&other, {}, model), IsOk());
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "of the other");
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(NameTaken("model", "m"), /*times=*/2);
  worker->Exit(0);
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "NAME_TAKEN");
  EXPECT_FALSE(Get(id_).has_result());
  EXPECT_EQ(Get(id_).artifacts_size(), 0);
  engine_ = nullptr;  // Nothing more is removed.
  EXPECT_TRUE(std::filesystem::exists(layout_.ModelDir("m") + "/best_model.pt"));
}

TEST_F(SettleTest, ARefusedResumeKeepsWhatTheTrainingHad) {
  const auto worker = StartTraining();
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  worker->EmitEpoch(1);
  worker->EmitError("OTHER_OPTIONS", "the checkpoint is of another network");
  worker->Exit(1);
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "OTHER_OPTIONS");
  EXPECT_THAT(Get(id_).artifacts(), ElementsAre("latest_checkpoint.pt"));
  ASSERT_OK_AND_ASSIGN(const std::string kept, ArtifactPath(layout_, Get(id_), "latest_checkpoint.pt"));
  EXPECT_EQ(std::filesystem::file_size(kept), 4);
}

TEST_F(SettleTest, CheckpointsThatCannotBeKeptStayWhereTheyAreUntilTheyCan) {
  const auto worker = StartTraining(/*max_restarts=*/0);
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  const std::string in_the_way = layout_.JobDir(id_) + "/output";
  WriteTestFile(in_the_way, "");
  worker->Die(SIGSEGV);
  ASSERT_TRUE(clock_.WaitForWaiter(absl::Seconds(1)));
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  EXPECT_TRUE(std::filesystem::exists(layout_.ModelDir("m") + "/latest_checkpoint.pt"));
  std::filesystem::remove(in_the_way);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_THAT(Get(id_).artifacts(), ElementsAre("latest_checkpoint.pt"));
  EXPECT_TRUE(std::filesystem::exists(in_the_way + "/latest_checkpoint.pt"));
}

}  // namespace
}  // namespace deepbindnet
