#include "server/predict/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/server/predict/fake_predictor.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using Result = absl::StatusOr<PredictTask::Values>;

// A batcher without its thread, on a clock that the test moves.
class BatcherTest : public ::testing::Test {
 protected:
  BatcherTest() { Make({/*max_batch_pairs=*/4, /*max_queued_pairs=*/20, /*max_delay=*/absl::Milliseconds(2)}); }

  void Make(const BatcherOptions& options) {
    batcher_ = std::make_unique<Batcher>(
        options, [this] { return now_; }, [this](const BatchStats& stats) { stats_.push_back(stats); });
  }

  // `pairs` pairs of one molecule and one protein; the result comes to `results_` under `name`.
  PredictTask Task(const std::string& name, int pairs, const std::string& smiles = "CC") {
    PredictTask task;
    task.predictor = predictor_;
    task.input.smiles = {smiles};
    task.input.sequences = {"MKV"};
    task.input.pairs.assign(pairs, {0, 0});
    task.done = [this, name](Result result) { results_.emplace_back(name, std::move(result)); };
    return task;
  }

  // Only for requests that are done, in the order they were.
  std::vector<std::string> Done() const {
    std::vector<std::string> names;
    for (const auto& [name, result] : results_) names.push_back(name);
    return names;
  }

  absl::Time now_ = absl::FromUnixSeconds(1700000000);
  std::shared_ptr<FakePredictor> predictor_ = std::make_shared<FakePredictor>();
  std::vector<BatchStats> stats_;
  std::vector<std::pair<std::string, Result>> results_;
  std::unique_ptr<Batcher> batcher_;
};

TEST_F(BatcherTest, LoneRequestWaitsForCompanyUntilMaxDelay) {
  EXPECT_EQ(batcher_->RunOnce(), absl::InfiniteFuture());
  ASSERT_THAT(batcher_->Submit(Task("a", 1)), IsOk());
  EXPECT_EQ(batcher_->RunOnce(), now_ + absl::Milliseconds(2));
  EXPECT_THAT(results_, ElementsAre());
  now_ += absl::Milliseconds(2);
  EXPECT_EQ(batcher_->RunOnce(), absl::InfinitePast());
  ASSERT_THAT(Done(), ElementsAre("a"));
  ASSERT_THAT(results_[0].second, IsOk());
  EXPECT_EQ(*results_[0].second->at(0), 302.0);
  EXPECT_EQ(batcher_->RunOnce(), absl::InfiniteFuture());
}

TEST_F(BatcherTest, FullBatchIsComputedAtOnce) {
  ASSERT_THAT(batcher_->Submit(Task("a", 3)), IsOk());
  EXPECT_GT(batcher_->RunOnce(), now_);
  ASSERT_THAT(batcher_->Submit(Task("b", 1)), IsOk());
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre("a", "b"));
}

TEST_F(BatcherTest, RequestsOfOneModelAreMerged) {
  ASSERT_THAT(batcher_->Submit(Task("a", 2, "CC")), IsOk());
  ASSERT_THAT(batcher_->Submit(Task("b", 2, "CCO")), IsOk());
  batcher_->RunOnce();
  ASSERT_EQ(predictor_->calls().size(), 1);
  EXPECT_THAT(predictor_->calls()[0].smiles, ElementsAre("CC", "CCO"));
  EXPECT_THAT(predictor_->calls()[0].sequences, ElementsAre("MKV"));
  EXPECT_EQ(*results_[0].second->at(1), 302.0);
  EXPECT_EQ(*results_[1].second->at(1), 303.0);
}

TEST_F(BatcherTest, ModelsAreNotMixed) {
  const auto other = std::make_shared<FakePredictor>();
  PredictTask task = Task("b", 2);
  task.predictor = other;
  ASSERT_THAT(batcher_->Submit(Task("a", 2)), IsOk());
  ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task("c", 1)), IsOk());
  now_ += absl::Milliseconds(2);
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre("a", "c"));
  EXPECT_THAT(other->calls(), ElementsAre());
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre("a", "c", "b"));
}

TEST_F(BatcherTest, SmallRequestOvertakesALargeOne) {
  PredictTask large = Task("large", 10);
  large.input.smiles = {"C", "CC"};
  for (int i = 0; i < 10; ++i) large.input.pairs[i].drug = i % 2;
  ASSERT_THAT(batcher_->Submit(std::move(large)), IsOk());
  ASSERT_THAT(batcher_->Submit(Task("small", 1)), IsOk());
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre());
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre("small"));
  batcher_->RunOnce();
  ASSERT_THAT(Done(), ElementsAre("small", "large"));
  ASSERT_EQ(results_[1].second->size(), 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(*results_[1].second->at(i), 301.0 + i % 2) << i;
}

TEST_F(BatcherTest, ExpiredRequestIsNotComputed) {
  PredictTask task = Task("a", 1);
  task.deadline = now_ + absl::Milliseconds(1);
  ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
  now_ += absl::Milliseconds(1);
  batcher_->RunOnce();
  ASSERT_THAT(Done(), ElementsAre("a"));
  EXPECT_THAT(results_[0].second,
              IsError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", "before the prediction was computed"));
  EXPECT_THAT(predictor_->calls(), ElementsAre());
}

TEST_F(BatcherTest, CancelledRequestIsNotComputed) {
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  PredictTask task = Task("a", 4);
  task.cancelled = cancelled;
  ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
  cancelled->store(true);
  batcher_->RunOnce();
  ASSERT_THAT(Done(), ElementsAre("a"));
  EXPECT_THAT(results_[0].second, IsError(absl::StatusCode::kCancelled, "CANCELLED", "cancelled"));
  EXPECT_THAT(predictor_->calls(), ElementsAre());
}

TEST_F(BatcherTest, LargeRequestIsDroppedBetweenItsBatches) {
  PredictTask task = Task("a", 10);
  task.deadline = now_ + absl::Seconds(1);
  ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
  batcher_->RunOnce();
  now_ += absl::Seconds(1);
  batcher_->RunOnce();
  EXPECT_EQ(predictor_->calls().size(), 1);
  ASSERT_THAT(Done(), ElementsAre("a"));
  EXPECT_THAT(results_[0].second, IsError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", ""));
}

TEST_F(BatcherTest, FullQueueRefusesAndGivesRoomAgain) {
  ASSERT_THAT(batcher_->Submit(Task("a", 18)), IsOk());
  EXPECT_THAT(batcher_->Submit(Task("b", 3)),
              IsError(absl::StatusCode::kResourceExhausted, "PREDICT_QUEUE_FULL", "18 of 20 pairs wait"));
  EXPECT_THAT(batcher_->Submit(Task("c", 2)), IsOk());
  batcher_->RunOnce();
  EXPECT_THAT(batcher_->Submit(Task("d", 4)), IsOk());
  EXPECT_FALSE(batcher_->Submit(Task("e", 1)).ok());
}

TEST_F(BatcherTest, FailureStaysWithTheRequestThatCausedIt) {
  ASSERT_THAT(batcher_->Submit(Task("a", 1, "CC")), IsOk());
  ASSERT_THAT(batcher_->Submit(Task("b", 1, "poison")), IsOk());
  ASSERT_THAT(batcher_->Submit(Task("c", 2, "C")), IsOk());
  batcher_->RunOnce();
  ASSERT_THAT(Done(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(*results_[0].second->at(0), 302.0);
  EXPECT_THAT(results_[1].second, IsError(absl::StatusCode::kInternal, "INTERNAL", "poisoned"));
  EXPECT_EQ(*results_[2].second->at(1), 301.0);
}

TEST_F(BatcherTest, ExceptionStaysWithTheRequestThatCausedIt) {
  ASSERT_THAT(batcher_->Submit(Task("a", 2, "CC")), IsOk());
  ASSERT_THAT(batcher_->Submit(Task("b", 2, "huge")), IsOk());
  batcher_->RunOnce();
  ASSERT_THAT(Done(), ElementsAre("a", "b"));
  ASSERT_THAT(results_[0].second, IsOk());
  EXPECT_EQ(results_[0].second->size(), 2);
  EXPECT_THAT(results_[1].second, IsError(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "out of memory"));
}

TEST_F(BatcherTest, ClockThatIsSetBackDelaysNobody) {
  ASSERT_THAT(batcher_->Submit(Task("a", 1)), IsOk());
  now_ -= absl::Hours(1);
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre("a"));
  ASSERT_EQ(stats_.size(), 1);
  EXPECT_THAT(stats_[0].queue_times, ElementsAre(absl::ZeroDuration()));
}

TEST_F(BatcherTest, FailedLargeRequestLeavesTheQueue) {
  ASSERT_THAT(batcher_->Submit(Task("a", 10, "poison")), IsOk());
  batcher_->RunOnce();
  EXPECT_THAT(Done(), ElementsAre("a"));
  EXPECT_EQ(batcher_->RunOnce(), absl::InfiniteFuture());
  EXPECT_EQ(predictor_->calls().size(), 1);
}

TEST_F(BatcherTest, PairsThatCannotBeReadHaveErrorsOfTheirOwn) {
  PredictTask task = Task("a", 4);
  task.input.smiles = {"CC", "bad"};
  task.input.pairs[2].drug = 1;
  ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
  batcher_->RunOnce();
  const PredictTask::Values& values = *results_[0].second;
  EXPECT_EQ(*values[1], 302.0);
  EXPECT_THAT(values[2], IsError(absl::StatusCode::kInvalidArgument, "INVALID_SMILES", "bad"));
  EXPECT_EQ(*values[3], 302.0);
}

TEST_F(BatcherTest, ReportsPairsAndWaits) {
  ASSERT_THAT(batcher_->Submit(Task("a", 1)), IsOk());
  now_ += absl::Milliseconds(1);
  ASSERT_THAT(batcher_->Submit(Task("b", 1)), IsOk());
  now_ += absl::Milliseconds(1);
  batcher_->RunOnce();
  ASSERT_EQ(stats_.size(), 1);
  EXPECT_EQ(stats_[0].pairs, 2);
  EXPECT_THAT(stats_[0].queue_times, ElementsAre(absl::Milliseconds(2), absl::Milliseconds(1)));
}

TEST_F(BatcherTest, LargeRequestReportsItsWaitOnce) {
  ASSERT_THAT(batcher_->Submit(Task("a", 8)), IsOk());
  batcher_->RunOnce();
  batcher_->RunOnce();
  ASSERT_EQ(stats_.size(), 2);
  EXPECT_EQ(stats_[0].queue_times.size(), 1);
  EXPECT_EQ(stats_[1].queue_times.size(), 0);
}

TEST_F(BatcherTest, DrainWithoutTimeRefusesWhatWaits) {
  ASSERT_THAT(batcher_->Submit(Task("a", 1)), IsOk());
  batcher_->Drain(absl::InfinitePast());
  ASSERT_THAT(Done(), ElementsAre("a"));
  EXPECT_THAT(results_[0].second, IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "shutting down"));
  EXPECT_THAT(batcher_->Submit(Task("b", 1)), IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", ""));
}

TEST_F(BatcherTest, DrainFinishesWhatWasAccepted) {
  // A delay that the test would never see the end of: draining does not wait for company.
  Make({4, 20, absl::Hours(1)});
  std::promise<Result> promise;
  PredictTask task = Task("a", 6);
  task.done = [&promise](Result result) { promise.set_value(std::move(result)); };
  ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
  batcher_->Start();
  batcher_->Drain(absl::Now() + absl::Minutes(1));
  const Result result = promise.get_future().get();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->size(), 6);
}

TEST_F(BatcherTest, ThreadComputesWhatIsSubmitted) {
  batcher_->Start();
  for (int i = 0; i < 3; ++i) {
    std::promise<Result> promise;
    PredictTask task = Task("a", 4);
    task.done = [&promise](Result result) { promise.set_value(std::move(result)); };
    ASSERT_THAT(batcher_->Submit(std::move(task)), IsOk());
    EXPECT_THAT(promise.get_future().get(), IsOk());
  }
}

TEST_F(BatcherTest, DestructionAnswersEverybody) {
  ASSERT_THAT(batcher_->Submit(Task("a", 1)), IsOk());
  batcher_.reset();
  ASSERT_THAT(Done(), ElementsAre("a"));
  EXPECT_THAT(results_[0].second, IsError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", ""));
}

}  // namespace
}  // namespace deepbindnet
