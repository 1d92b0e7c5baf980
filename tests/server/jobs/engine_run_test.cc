// How the engine runs jobs: in which order, what workers tell, how they end.
#include <signal.h>

#include <filesystem>
#include <thread>

#include "server/jobs/artifacts.h"
#include "server/jobs/worker_task.h"
#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RunTest : public EngineTest {
 protected:
  void SetUp() override {
    Open();
    MakeDataset();
    Reopen();
  }

  // A running training of the model "m".
  std::shared_ptr<FakeWorker> StartTraining(int max_restarts = 3) {
    JobSubmission submission = Training("m");
    submission.max_restarts = max_restarts;
    const size_t worker_number = workers_->started();
    id_ = Submit(submission);
    auto worker = workers_->WaitFor(worker_number);
    EXPECT_NE(worker, nullptr);
    return worker;
  }

  std::string id_;
};

TEST_F(RunTest, StartsByPriorityThenAge) {
  Submit(Training("first"));
  auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  Submit(Training("old"));
  Submit(Training("high-old", 5));
  Submit(Training("low", -1));
  Submit(Training("high-new", 5));
  std::vector<std::string> order;
  for (size_t i = 0; i < 5; ++i) {
    worker = workers_->WaitFor(i);
    ASSERT_NE(worker, nullptr);
    order.push_back(worker->task().spec().train().model());
    worker->EmitResult(TrainingResult());
    worker->Exit(0);
  }
  EXPECT_THAT(order, ElementsAre("first", "high-old", "high-new", "old", "low"));
}

TEST_F(RunTest, RunsAsManyJobsAsThereAreSlots) {
  options_.slots = 2;
  Reopen();
  Submit(Training("a"));
  Submit(Training("b"));
  const std::string third = Submit(Training("c"));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
  EXPECT_EQ(engine_->counts().running, 2);
  EXPECT_EQ(Get(third).state(), v1::QUEUED);
  workers_->WaitFor(0)->EmitResult(TrainingResult());
  workers_->WaitFor(0)->Exit(0);
  ASSERT_TRUE(AwaitState(third, v1::RUNNING));
}

TEST_F(RunTest, TellsTheWorkerWhatToDo) {
  const auto worker = StartTraining();
  EXPECT_EQ(worker->task().spec().train().model(), "m");
  EXPECT_EQ(worker->task().dataset_dir(), layout_.DatasetDir("kiba"));
  EXPECT_EQ(worker->task().output_dir(), layout_.ModelDir("m"));
  EXPECT_FALSE(worker->task().resume());
  EXPECT_EQ(worker->job_dir(), layout_.JobDir(id_));
}

TEST_F(RunTest, AFirstStartBeginsWithAnEmptyOutput) {
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "of another time");
  StartTraining();
  EXPECT_FALSE(std::filesystem::exists(layout_.ModelDir("m")));
}

TEST_F(RunTest, SuccessStoresTheModelWithTheJob) {
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
  EXPECT_EQ(model.digest(), "cafe");
  EXPECT_EQ(model.create_time().seconds(), job.end_time().seconds());
  const auto events = Events(id_);
  ASSERT_GE(events.size(), 2u);
  EXPECT_TRUE(events[events.size() - 2].has_result());
  EXPECT_EQ(events.back().state_change().to(), v1::SUCCEEDED);
  EXPECT_EQ(job.last_sequence(), events.size());
}

TEST_F(RunTest, SuccessStoresTheDatasetAndDropsTheUpload) {
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

TEST_F(RunTest, AnErrorFailsTheJobAndItsOutputIsRemovedOnceThatIsDurable) {
  const auto worker = StartTraining();
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  worker->EmitError("INVALID_FIELD", "lr: 9 is too high");
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->Exit(1);
  ASSERT_TRUE(faulty_store_->WaitForFailures(1));
  EXPECT_TRUE(std::filesystem::exists(layout_.ModelDir("m") + "/latest_checkpoint.pt"));
  faulty_store_->FailWrites(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "INVALID_FIELD");
  EXPECT_EQ(Get(id_).error().message(), "lr: 9 is too high");
  EXPECT_THAT(Get(id_).artifacts(), IsEmpty());
  EXPECT_TRUE(Await(id_, [&] { return !std::filesystem::exists(layout_.ModelDir("m")); }));
  const auto events = Events(id_);
  EXPECT_EQ(events[events.size() - 2].error().reason(), "INVALID_FIELD");
  EXPECT_EQ(events.back().state_change().to(), v1::FAILED);
}

TEST_F(RunTest, AFailedPreparationKeepsItsRejectedRows) {
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

TEST_F(RunTest, ACrashedWorkerIsStartedAgainFromItsCheckpointUpToTheLimit) {
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

TEST_F(RunTest, ATrainingThatBrokeOffKeepsItsFilesAndItsNameIsFree) {
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

TEST_F(RunTest, AWorkerThatCannotBeStartedIsTriedAgainEverLaterAndNoRestartCounts) {
  workers_->FailStarts(2, absl::InternalError("no processes left"));
  JobSubmission submission = Training("m");
  submission.max_restarts = 0;
  const std::string id = Submit(submission);
  const auto is_back_after = [&](size_t starts) {
    return Await(id, [&] { return Events(id).size() == 1 + 2 * starts && engine_->counts().queued == 1; });
  };
  ASSERT_TRUE(is_back_after(1));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(is_back_after(2));
  clock_.Advance(absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  ASSERT_NE(workers_->WaitFor(0), nullptr);
  EXPECT_EQ(Get(id).restarts(), 0u);
  const auto events = Events(id);
  ASSERT_THAT(events, SizeIs(6));
  EXPECT_THAT(events[2].state_change().why(), HasSubstr("could not be started: no processes left"));
  EXPECT_EQ(events[3].time().seconds() - events[2].time().seconds(), 1);
  EXPECT_EQ(events[5].time().seconds() - events[4].time().seconds(), 2);
}

TEST_F(RunTest, AJobThatWaitsForItsNextStartLetsOthersRun) {
  workers_->FailStarts(1, absl::InternalError("no processes left"));
  const std::string first = Submit(Training("first"));
  ASSERT_TRUE(Await(first, [&] { return Events(first).size() == 3 && engine_->counts().queued == 1; }));
  Submit(Training("second"));
  const auto worker = workers_->WaitFor(0);
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->task().spec().train().model(), "second");
}

TEST_F(RunTest, ARequeuedJobKeepsItsPlace) {
  const auto worker = StartTraining();
  const std::string other = Submit(Training("other"));
  worker->Die(SIGSEGV);
  const auto next = workers_->WaitFor(1);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->task().spec().train().model(), "m");
  EXPECT_EQ(Get(other).state(), v1::QUEUED);
}

TEST_F(RunTest, EpochsAreJournalledBeforeListenersHear) {
  const auto worker = StartTraining();
  std::vector<size_t> journal_sizes;
  const auto handle = engine_->Subscribe(id_, [&] {
    journal_sizes.push_back(store_->ReadEvents(id_, 1, 100)->size());  // The store's journal, not the engine.
  });
  worker->EmitEpoch(1);
  worker->EmitEpoch(2);
  EXPECT_THAT(journal_sizes, ElementsAre(3, 4));  // After QUEUED and RUNNING.
}

TEST_F(RunTest, KeepsTheLatestAndTheBestEpoch) {
  const auto worker = StartTraining();
  worker->EmitEpoch(1, 3.0, false);
  EXPECT_EQ(Get(id_).best_epoch().epoch(), 1u);  // The first there is.
  worker->EmitEpoch(2, 1.0, true);
  worker->EmitEpoch(3, 2.0, false);
  EXPECT_EQ(Get(id_).latest_epoch().epoch(), 3u);
  EXPECT_EQ(Get(id_).best_epoch().epoch(), 2u);
  EXPECT_EQ(Get(id_).best_epoch().val().rmse(), 1.0);
}

TEST_F(RunTest, AnEpochToldAgainAfterAResumeIsDropped) {
  auto worker = StartTraining();
  worker->EmitEpoch(1);
  worker->EmitEpoch(2);
  worker->Die(SIGSEGV);
  worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  worker->EmitEpoch(2);
  worker->EmitEpoch(3);
  std::vector<uint32_t> epochs;
  for (const v1::JobEvent& event : Events(id_)) {
    if (event.has_epoch()) epochs.push_back(event.epoch().epoch());
  }
  EXPECT_THAT(epochs, ElementsAre(1, 2, 3));
}

TEST_F(RunTest, AnEpochThatComesOutDifferentAfterAResumeIsAWarningOnce) {
  auto worker = StartTraining();
  for (uint32_t epoch = 1; epoch <= 3; ++epoch) worker->EmitEpoch(epoch, 1.0);
  worker->Die(SIGSEGV);
  worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  worker->EmitEpoch(1, 1.0);
  worker->EmitEpoch(2, 1.5);
  worker->EmitEpoch(3, 1.6);
  worker->EmitEpoch(4, 1.7);
  std::vector<std::string> warnings;
  for (const v1::JobEvent& event : Events(id_)) {
    if (event.log().level() == v1::LogLine::WARNING) warnings.push_back(event.log().text());
  }
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_THAT(warnings[0], HasSubstr("epoch 2 was trained again"));
  EXPECT_THAT(warnings[0], HasSubstr("validation RMSE 1.5 and not 1; up to epoch 3"));
  EXPECT_EQ(Get(id_).latest_epoch().epoch(), 4u);
}

TEST_F(RunTest, ProgressIsLiveAndNotStored) {
  const auto worker = StartTraining();
  v1::WorkerEvent event;
  event.mutable_progress()->set_phase("training");
  event.mutable_progress()->set_done(7);
  int heard = 0;
  const auto handle = engine_->Subscribe(id_, [&heard] { ++heard; });
  worker->Emit(event);
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(Get(id_).progress().done(), 7u);
  ASSERT_OK_AND_ASSIGN(const auto listed, engine_->List(v1::ListJobsRequest()));
  EXPECT_EQ(listed.jobs(0).progress().done(), 7u);
  EXPECT_FALSE(store_->GetJob(id_)->has_progress());
  EXPECT_THAT(Events(id_), SizeIs(2));
}

TEST_F(RunTest, LogLinesAreJournalled) {
  const auto worker = StartTraining();
  v1::WorkerEvent event;
  event.mutable_log()->set_text("half the batch size fits");
  worker->Emit(event);
  EXPECT_EQ(Events(id_).back().log().text(), "half the batch size fits");
}

TEST_F(RunTest, AReaderSeesEveryEventOnceWhileTheyArrive) {
  const auto worker = StartTraining();
  constexpr uint32_t kEpochs = 200;
  std::thread teller([&worker] {
    for (uint32_t epoch = 1; epoch <= kEpochs; ++epoch) worker->EmitEpoch(epoch);
    worker->EmitResult(TrainingResult());
    worker->Exit(0);
  });
  std::vector<v1::JobEvent> seen;
  const bool ended = Await(id_, [&] {
    // Pages of 7, as a slow reader does.
    for (auto page = *engine_->ReadEvents(id_, seen.size() + 1, 7); !page.empty();
         page = *engine_->ReadEvents(id_, seen.size() + 1, 7)) {
      seen.insert(seen.end(), page.begin(), page.end());
    }
    return HasEnded(seen.back().state_change().to());
  });
  teller.join();
  ASSERT_TRUE(ended);
  ASSERT_THAT(seen, SizeIs(2 + kEpochs + 2));  // QUEUED, RUNNING, epochs, result, SUCCEEDED.
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].sequence(), i + 1);
  for (uint32_t epoch = 1; epoch <= kEpochs; ++epoch) EXPECT_EQ(seen[epoch + 1].epoch().epoch(), epoch);
}

TEST_F(RunTest, AnEpochTheStoreCannotTakeIsWrittenWithTheNextOne) {
  const auto worker = StartTraining();
  int heard = 0;
  const auto handle = engine_->Subscribe(id_, [&heard] { ++heard; });
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->EmitEpoch(1);
  EXPECT_EQ(heard, 0);
  EXPECT_THAT(Events(id_), SizeIs(2));
  faulty_store_->FailWrites(absl::OkStatus());
  worker->EmitEpoch(2);
  EXPECT_EQ(heard, 1);
  const auto events = Events(id_);
  ASSERT_THAT(events, SizeIs(4));
  EXPECT_EQ(events[2].epoch().epoch(), 1u);
  EXPECT_EQ(events[3].epoch().epoch(), 2u);
}

TEST_F(RunTest, AnEndTheStoreCannotTakeIsTriedAgain) {
  const auto worker = StartTraining();
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->Exit(0);
  ASSERT_TRUE(faulty_store_->WaitForFailures(1));
  EXPECT_EQ(Get(id_).state(), v1::RUNNING);
  faulty_store_->FailWrites(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(AwaitState(id_, v1::SUCCEEDED));
}

TEST_F(RunTest, AnEndTheStoreRefusesFailsTheJobWhichKeepsItsFiles) {
  const auto worker = StartTraining();
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "weights");
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::InternalError("constraint failed"), /*times=*/1);
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "INTERNAL");
  EXPECT_EQ(Get(id_).error().message(), "constraint failed");
  EXPECT_FALSE(Get(id_).has_result());
  EXPECT_THAT(Get(id_).artifacts(), ElementsAre("best_model.pt"));
}

TEST_F(RunTest, AnEndThatCannotBeRecordedAtAllDoesNotStopTheEngine) {
  const auto worker = StartTraining();
  worker->EmitResult(TrainingResult());
  faulty_store_->FailWrites(absl::InternalError("constraint failed"), /*times=*/2);
  worker->Exit(0);
  ASSERT_TRUE(faulty_store_->WaitForFailures(2));
  Submit(Training("other"));
  ASSERT_NE(workers_->WaitFor(1), nullptr);
  EXPECT_THAT(engine_->Cancel(id_), IsError(absl::StatusCode::kUnavailable, "END_NOT_RECORDED", "could not record it"));
  Reopen();
  const auto next = workers_->WaitFor(0);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(next->task().spec().train().model(), "m");
}

TEST_F(RunTest, AResultWhoseNameIsTakenFailsTheJob) {
  const auto worker = StartTraining();
  v1::Job other;
  other.set_id("job-other");
  other.set_state(v1::SUCCEEDED);
  v1::Model model;
  model.set_name("m");
  ASSERT_THAT(store_->InsertJob(&other, {}), IsOk());
  ASSERT_THAT(store_->FinishJobWithModel(&other, {}, model), IsOk());
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  EXPECT_EQ(Get(id_).error().reason(), "NAME_TAKEN");
  EXPECT_FALSE(Get(id_).has_result());
}

}  // namespace
}  // namespace deepbindnet
