#include "server/rpc/job_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;

// One caller of WatchJob. A call that hangs fails after a while.
class Watch {
 public:
  Watch(v1::DeepBindNet::Stub* stub, const std::string& job, uint64_t from_sequence) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::WatchJobRequest request;
    request.set_job(job);
    request.set_from_sequence(from_sequence);
    reader_ = stub->WatchJob(&context_, request);
  }
  ~Watch() {
    context_.TryCancel();
    if (!finished_) reader_->Finish();
  }

  bool Next(v1::JobEvent* event) { return reader_->Read(event); }

  // Reads until an event that is not progress.
  bool NextJournalled(v1::JobEvent* event) {
    while (Next(event)) {
      if (!event->has_progress()) return true;
    }
    return false;
  }

  // Reads to the end.
  grpc::Status Finish(std::vector<v1::JobEvent>* events = nullptr) {
    v1::JobEvent event;
    while (Next(&event)) {
      if (events != nullptr) events->push_back(event);
    }
    finished_ = true;
    return reader_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> reader_;
  bool finished_ = false;
};

class JobWatchTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    worker_ = StartTraining("gated", &job_);
    ASSERT_NE(worker_, nullptr);
  }

  void FailJob() {
    worker_->EmitError("OUT_OF_LUCK", "it failed");
    worker_->Exit(1);
  }

  std::shared_ptr<FakeWorker> worker_;
  v1::Job job_;
};

TEST_F(JobWatchTest, ReplaysThenFollowsToTheEnd) {
  worker_->EmitEpoch(1, 0.9, true);
  Watch watch(stub_.get(), "gated", 0);
  v1::JobEvent event;
  // QUEUED, RUNNING, the epoch.
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    ASSERT_TRUE(watch.NextJournalled(&event));
    EXPECT_EQ(event.sequence(), sequence);
    EXPECT_EQ(event.job_id(), job_.id());
  }
  EXPECT_EQ(event.epoch().epoch(), 1);
  worker_->EmitEpoch(2, 0.8, true);
  ASSERT_TRUE(watch.NextJournalled(&event));
  EXPECT_EQ(event.sequence(), 4);
  EXPECT_EQ(event.epoch().epoch(), 2);
  FailJob();
  std::vector<v1::JobEvent> rest;
  EXPECT_THAT(watch.Finish(&rest), IsCallOk());
  ASSERT_FALSE(rest.empty());
  bool failed = false;
  for (const v1::JobEvent& last : rest) failed |= last.state_change().to() == v1::FAILED;
  EXPECT_TRUE(failed);
}

TEST_F(JobWatchTest, ComingBackNeitherRepeatsNorSkips) {
  worker_->EmitEpoch(1);
  uint64_t last = 0;
  {
    Watch watch(stub_.get(), "gated", 1);
    v1::JobEvent event;
    while (last < 3 && watch.NextJournalled(&event)) last = event.sequence();
  }
  ASSERT_EQ(last, 3);
  worker_->EmitEpoch(2);
  worker_->EmitEpoch(3);
  Watch again(stub_.get(), "gated", last + 1);
  v1::JobEvent event;
  for (uint32_t epoch = 2; epoch <= 3; ++epoch) {
    ASSERT_TRUE(again.NextJournalled(&event));
    EXPECT_EQ(event.sequence(), ++last);
    EXPECT_EQ(event.epoch().epoch(), epoch);
  }
}

TEST_F(JobWatchTest, ProgressComesLiveWithTheLastSequence) {
  Watch watch(stub_.get(), job_.id(), 0);
  v1::JobEvent event;
  ASSERT_TRUE(watch.NextJournalled(&event));
  ASSERT_TRUE(watch.NextJournalled(&event));
  ASSERT_EQ(event.sequence(), 2);
  v1::WorkerEvent progress;
  progress.mutable_progress()->set_phase("training");
  progress.mutable_progress()->set_done(17);
  worker_->Emit(progress);
  ASSERT_TRUE(watch.Next(&event));
  EXPECT_EQ(event.progress().done(), 17);
  EXPECT_EQ(event.sequence(), 2);
  EXPECT_GT(event.time().seconds(), 1600000000);
  worker_->EmitEpoch(1);
  ASSERT_TRUE(watch.NextJournalled(&event));
  EXPECT_EQ(event.sequence(), 3);
}

TEST_F(JobWatchTest, LongJournalComesInPagesWithoutGaps) {
  constexpr uint32_t kEpochs = 300;
  for (uint32_t epoch = 1; epoch <= kEpochs; ++epoch) worker_->EmitEpoch(epoch);
  FailJob();
  Watch watch(stub_.get(), job_.id(), 0);
  std::vector<v1::JobEvent> events;
  EXPECT_THAT(watch.Finish(&events), IsCallOk());
  ASSERT_GT(events.size(), kEpochs);
  uint64_t sequence = 0;
  for (const v1::JobEvent& event : events) {
    if (event.has_progress()) continue;
    ASSERT_EQ(event.sequence(), ++sequence);
  }
  EXPECT_GT(sequence, kEpochs);
}

TEST_F(JobWatchTest, EndedJobIsReplayedAndEnds) {
  FailJob();
  std::vector<v1::JobEvent> first;
  std::vector<v1::JobEvent> second;
  EXPECT_THAT(Watch(stub_.get(), job_.id(), 0).Finish(&first), IsCallOk());
  EXPECT_THAT(Watch(stub_.get(), job_.id(), 0).Finish(&second), IsCallOk());
  EXPECT_EQ(first.back().sequence(), second.back().sequence());
  // Nothing is left after the last event.
  std::vector<v1::JobEvent> rest;
  EXPECT_THAT(Watch(stub_.get(), job_.id(), second.back().sequence() + 1).Finish(&rest), IsCallOk());
  EXPECT_TRUE(rest.empty());
}

TEST_F(JobWatchTest, ManyWatchersSeeTheSame) {
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 8; ++i) watches.push_back(std::make_unique<Watch>(stub_.get(), "gated", 0));
  for (uint32_t epoch = 1; epoch <= 5; ++epoch) worker_->EmitEpoch(epoch);
  FailJob();
  for (const auto& watch : watches) {
    std::vector<v1::JobEvent> events;
    EXPECT_THAT(watch->Finish(&events), IsCallOk());
    uint32_t epochs = 0;
    for (const v1::JobEvent& event : events) epochs += event.has_epoch() ? 1 : 0;
    EXPECT_EQ(epochs, 5);
  }
}

TEST_F(JobWatchTest, CallerWhoLeavesDisturbsNobody) {
  v1::JobEvent event;
  for (int i = 0; i < 20; ++i) {
    Watch watch(stub_.get(), "gated", 0);
    // Every other one leaves before it has read anything.
    if (i % 2 == 1) continue;
    ASSERT_TRUE(watch.Next(&event));
  }
  Watch watch(stub_.get(), "gated", 0);
  FailJob();
  EXPECT_THAT(watch.Finish(), IsCallOk());
}

TEST_F(JobWatchTest, UnknownJobIsNotFound) {
  EXPECT_EQ(Watch(stub_.get(), "nobody", 0).Finish().error_code(), StatusCode::NOT_FOUND);
}

TEST_F(JobWatchTest, WhatIsNoJobReferenceIsNamed) {
  EXPECT_THAT(Watch(stub_.get(), "no body", 0).Finish(),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "job: no body"));
}

TEST_F(JobWatchTest, ServerThatEndsSaysWhereToGoOn) {
  Watch watch(stub_.get(), "gated", 0);
  v1::JobEvent event;
  ASSERT_TRUE(watch.NextJournalled(&event));
  ASSERT_TRUE(watch.NextJournalled(&event));
  service_->EndWatches();
  const grpc::Status status = watch.Finish();
  EXPECT_THAT(status, IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", "from sequence 3"));
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("next_sequence"), "3");
  // One that comes too late is told the same.
  EXPECT_EQ(Watch(stub_.get(), "gated", 0).Finish().error_code(), StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace deepbindnet
