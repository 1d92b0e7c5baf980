#include "core/training/training_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/file.h"
#include "core/training/summaries.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MessageObserver : public SilentObserver {
 public:
  void OnMessage(absl::string_view message) override { messages.emplace_back(message); }
  std::vector<std::string> messages;
};

EpochReport EpochOf(int epoch) {
  EpochReport report;
  report.epoch = epoch;
  report.train_loss = 1.0 / epoch;
  report.val.rmse = 2.0 / epoch;
  return report;
}

StepReport StepOf(int64_t run_step) {
  StepReport report;
  report.run_step = run_step;
  report.batch_loss = 0.25;
  report.learning_rate = 1e-3;
  report.pairs_per_second = 100;
  return report;
}

class TrainingLogTest : public ::testing::Test {
 protected:
  TrainingLog MakeLog() {
    return TrainingLog(directory(), &observer_, [this] { return now_ += 0.5; });
  }

  // The events of all files, in the order of reading.
  std::vector<std::string> Events() const {
    std::vector<std::string> events;
    for (const std::string& path : ListEventFiles(directory())) {
      ForEachEvent(*ReadFile(path), [&events](absl::string_view event) { events.emplace_back(event); });
    }
    return events;
  }
  // How many of them are `event`, whatever their time.
  size_t Count(const WireMessage& event) const {
    size_t count = 0;
    for (const std::string& stored : Events()) count += stored.substr(9) == event.bytes() ? 1 : 0;
    return count;
  }
  size_t CountWith(absl::string_view text) const {
    size_t count = 0;
    for (const std::string& stored : Events()) count += absl::StrContains(stored, text) ? 1 : 0;
    return count;
  }
  std::string directory() const { return dir_ / "logs"; }

  const TempDir dir_;
  TrainingOptions options_;
  MessageObserver observer_;
  double now_ = 1700000000;
};

TEST_F(TrainingLogTest, EachCallIsInTheFileWhenItReturns) {
  TrainingLog log = MakeLog();
  log.Start(options_, {}, 0);
  const size_t start = Events().size();
  EXPECT_EQ(start, 4U) << "version, options, columns and values of the HParams page";
  log.Step(StepOf(1));
  EXPECT_EQ(Count(ScalarsEvent(1, {{"Loss/batch", 0.25}, {"LearningRate", 1e-3}, {"PairsPerSecond", 100}})), 1U);
  log.Epoch(EpochOf(1), {});
  EXPECT_EQ(CountWith("RMSE/val"), 1U);
  TrainingReport report;
  report.best_epoch = 1;
  log.Finish(report);
  EXPECT_EQ(CountWith("session_end_info"), 1U);
  EXPECT_EQ(Events().size(), start + 4);
  EXPECT_THAT(observer_.messages, IsEmpty());
}

TEST_F(TrainingLogTest, TheFileBeginsWithItsVersionAndTellsTheTime) {
  TrainingLog log = MakeLog();
  log.Start(options_, {}, 0);
  EXPECT_THAT(ListEventFiles(directory()), ElementsAre(HasSubstr("tfevents.1700000001.")));
  const std::vector<std::string> events = Events();
  EXPECT_EQ(events[0].substr(9), FileVersionEvent().bytes());
  EXPECT_EQ(events[0].substr(0, 9), WireMessage().Double(1, 1700000001.5).bytes());
  EXPECT_EQ(events[1].substr(0, 9), WireMessage().Double(1, 1700000002.0).bytes());
}

TEST_F(TrainingLogTest, ANewRunRemovesTheFilesOfAnEarlierOne) {
  TrainingLog first = MakeLog();
  first.Start(options_, {}, 0);
  first.Step(StepOf(1));
  TrainingLog second = MakeLog();
  second.Start(options_, {}, 0);
  EXPECT_THAT(ListEventFiles(directory()), SizeIs(1));
  EXPECT_EQ(CountWith("Loss/batch"), 0U);
  EXPECT_EQ(Count(SessionStartEvent(1)), 0U) << "there is nothing to drop";
}

TEST_F(TrainingLogTest, AResumedRunSaysWhichStepsAreDoneAgain) {
  TrainingLog first = MakeLog();
  first.Start(options_, {}, 0);
  for (int64_t step = 1; step <= 5; ++step) first.Step(StepOf(step));
  first.Epoch(EpochOf(1), {});
  TrainingLog second = MakeLog();
  second.Start(options_, {EpochOf(1)}, 4);
  EXPECT_THAT(ListEventFiles(directory()), SizeIs(2));
  EXPECT_EQ(Count(SessionStartEvent(5)), 1U);
  EXPECT_EQ(CountWith("RMSE/val"), 1U) << "the epoch is there";
}

TEST_F(TrainingLogTest, AnEpochThatWasSavedAndNotLoggedIsAdded) {
  TrainingLog first = MakeLog();
  first.Start(options_, {}, 0);
  first.Epoch(EpochOf(1), {});
  first.Epoch(EpochOf(2), {});
  const std::string file = ListEventFiles(directory()).at(0);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);  // As a killed process leaves it.
  ASSERT_EQ(CountWith("RMSE/val"), 1U);
  TrainingLog second = MakeLog();
  second.Start(options_, {EpochOf(1), EpochOf(2), EpochOf(3)}, 30);
  EXPECT_EQ(CountWith("RMSE/val"), 3U) << "1 from the first file, 2 and 3 from the second";
}

TEST_F(TrainingLogTest, ARunThatEndsTwiceHasOneResult) {
  TrainingReport report;
  report.best_epoch = 1;
  report.val.rmse = 0.5;
  for (const std::vector<EpochReport>& history : {std::vector<EpochReport>(), {EpochOf(1)}}) {
    TrainingLog log = MakeLog();
    log.Start(options_, history, static_cast<int64_t>(history.size()));
    if (history.empty()) log.Epoch(EpochOf(1), {});
    log.Finish(report);
  }
  EXPECT_EQ(CountWith("Best/RMSE_val"), 1U + 2U) << "the value, and the column that each process names";
  EXPECT_EQ(CountWith("Best/RMSE_test"), 2U) << "there is no test part";
}

TEST_F(TrainingLogTest, GatesAreToldByLayerAndSide) {
  options_.model.fusion_layers = 2;
  TrainingLog log = MakeLog();
  log.Start(options_, {}, 0);
  // Two passes of two layers and two sides, of different numbers of rows.
  std::vector<torch::Tensor> gates;
  for (const double shift : {0.0, 0.01}) {
    for (const double value : {0.11, 0.33, 0.55, 0.77}) gates.push_back(torch::full({2, 3}, value + shift));
  }
  log.Epoch(EpochOf(4), gates);
  const auto of_both = [](double value) {
    return MakeUnitHistogram(torch::cat({torch::full({6}, value), torch::full({6}, value + 0.01)}));
  };
  EXPECT_EQ(Count(HistogramsEvent(4, {{"Gate/layer_1/drug", of_both(0.11)},
                                      {"Gate/layer_1/target", of_both(0.33)},
                                      {"Gate/layer_2/drug", of_both(0.55)},
                                      {"Gate/layer_2/target", of_both(0.77)}})),
            1U);
  EXPECT_THAT(observer_.messages, IsEmpty());
}

TEST_F(TrainingLogTest, AnErrorIsSaidOnceAndEndsTheLog) {
  WriteTestFile(directory(), "a file in the way");
  TrainingLog log = MakeLog();
  log.Start(options_, {}, 0);
  log.Step(StepOf(1));
  log.Epoch(EpochOf(1), {});
  log.Finish({});
  EXPECT_THAT(observer_.messages, ElementsAre(HasSubstr(directory())));
  EXPECT_THAT(observer_.messages[0], HasSubstr("TensorBoard's log ends here, the training goes on"));
}

TEST_F(TrainingLogTest, GatesThatCannotBeToldApartEndTheLogAndNothingElse) {
  options_.model.fusion_layers = 2;
  TrainingLog log = MakeLog();
  log.Start(options_, {}, 0);
  log.Epoch(EpochOf(1), {torch::full({2}, 0.5)});
  EXPECT_THAT(observer_.messages, ElementsAre(HasSubstr("gate values of 1 sides of 2 layers")));
  EXPECT_EQ(CountWith("RMSE/val"), 1U);
  log.Epoch(EpochOf(2), {});
  EXPECT_EQ(CountWith("RMSE/val"), 1U);
}

}  // namespace
}  // namespace deepbindnet
