// What workers tell while they run.
#include <signal.h>

#include <thread>

#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class EventsTest : public TrainingTest {};

TEST_F(EventsTest, EpochsAreJournalledBeforeListenersHear) {
  const auto worker = StartTraining();
  std::vector<size_t> journal_sizes;
  const auto handle = engine_->Subscribe(id_, [&] {
    journal_sizes.push_back(store_->ReadEvents(id_, 1, 100)->size());  // The store's journal, not the engine.
  });
  worker->EmitEpoch(1);
  worker->EmitEpoch(2);
  EXPECT_THAT(journal_sizes, ElementsAre(3, 4));  // After QUEUED and RUNNING.
}

TEST_F(EventsTest, KeepsTheLatestAndTheBestEpoch) {
  const auto worker = StartTraining();
  worker->EmitEpoch(1, 3.0, false);
  EXPECT_EQ(Get(id_).best_epoch().epoch(), 1u);  // The first there is.
  worker->EmitEpoch(2, 1.0, true);
  worker->EmitEpoch(3, 2.0, false);
  EXPECT_EQ(Get(id_).latest_epoch().epoch(), 3u);
  EXPECT_EQ(Get(id_).best_epoch().epoch(), 2u);
  EXPECT_EQ(Get(id_).best_epoch().val().rmse(), 1.0);
}

TEST_F(EventsTest, AnEpochToldAgainAfterAResumeIsDropped) {
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

TEST_F(EventsTest, ProgressIsLiveAndNotStored) {
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

TEST_F(EventsTest, LogLinesAreJournalled) {
  const auto worker = StartTraining();
  v1::WorkerEvent event;
  event.mutable_log()->set_text("half the batch size fits");
  worker->Emit(event);
  EXPECT_EQ(Events(id_).back().log().text(), "half the batch size fits");
}

TEST_F(EventsTest, AReaderSeesEveryEventOnceWhileTheyArrive) {
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

TEST_F(EventsTest, AnEpochTheStoreCannotTakeIsWrittenWithTheNextOne) {
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

TEST_F(EventsTest, AnEpochTheStoreCannotTakeIsWrittenWithTheNextProgress) {
  const auto worker = StartTraining();
  int heard = 0;
  const auto handle = engine_->Subscribe(id_, [&heard] { ++heard; });
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  worker->EmitEpoch(1);
  v1::WorkerEvent progress;
  progress.mutable_progress()->set_done(7);
  worker->Emit(progress);
  EXPECT_EQ(heard, 1);  // Progress needs no store.
  EXPECT_THAT(Events(id_), SizeIs(2));
  faulty_store_->FailWrites(absl::OkStatus());
  worker->Emit(progress);
  EXPECT_EQ(heard, 2);
  ASSERT_THAT(Events(id_), SizeIs(3));
  EXPECT_EQ(Events(id_)[2].epoch().epoch(), 1u);
}

}  // namespace
}  // namespace deepbindnet
