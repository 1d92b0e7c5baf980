// Runs that go on from the checkpoint of an earlier one.
#include <ATen/Parallel.h>

#include <cmath>

#include "core/training/replicas.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

class ResumeTest : public TrainerTest {
 protected:
  void RunUntilEpoch2(const std::string& output) {
    Recorder recorder;
    recorder.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2; };
    EXPECT_EQ(Run(output, &recorder).status().code(), absl::StatusCode::kCancelled);
    stop_ = false;
  }
};

TEST_F(ResumeTest, ResumedRunEqualsTheUninterruptedOne) {
  options_.num_epochs = 6;
  Recorder whole;
  ASSERT_TRUE(Run("whole", &whole).ok());
  Recorder first;
  first.on_step = [this](const StepReport& step) {
    if (step.epoch == 4 && step.step == 2) stop_ = true;
  };
  EXPECT_EQ(Run("parts", &first).status().code(), absl::StatusCode::kCancelled);
  ASSERT_EQ(first.epochs.size(), 3U);
  stop_ = false;
  Recorder second;
  const auto report = Run("parts", &second, /*resume=*/true);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(second.epochs.size(), 6U) << "epochs before the stop are reported again, with the same values";
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(second.epochs[i].epoch, whole.epochs[i].epoch);
    EXPECT_EQ(second.epochs[i].val.rmse, whole.epochs[i].val.rmse);
    EXPECT_EQ(second.epochs[i].train_loss, whole.epochs[i].train_loss);
  }
  ExpectSameWeights(OutputDir("whole") + "/best_model.pt", OutputDir("parts") + "/best_model.pt");
  ExpectSameWeights(OutputDir("whole") + "/latest_checkpoint.pt", OutputDir("parts") + "/latest_checkpoint.pt");
}

TEST_F(ResumeTest, ResumedRunEqualsTheUninterruptedOneInMixedPrecisionToo) {
  options_.mixed_precision = true;
  Recorder whole, second;
  ASSERT_TRUE(Run("whole", &whole).ok());
  RunUntilEpoch2("parts");
  ASSERT_TRUE(Run("parts", &second, /*resume=*/true).ok());
  ExpectSameWeights(OutputDir("whole") + "/latest_checkpoint.pt", OutputDir("parts") + "/latest_checkpoint.pt");
}

TEST_F(ResumeTest, ResumedRunOfTwoReplicasEqualsTheUninterruptedOneToo) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  options_.batch_size = 64;
  ASSERT_EQ(CountReplicas(torch::kCPU, options_.batch_size), 2);
  Recorder whole, second;
  ASSERT_TRUE(Run("whole", &whole).ok());
  RunUntilEpoch2("parts");
  EXPECT_TRUE(Run("parts", &second, /*resume=*/true).ok());
  ExpectSameWeights(OutputDir("whole") + "/latest_checkpoint.pt", OutputDir("parts") + "/latest_checkpoint.pt");
  at::set_num_threads(threads);
}

TEST_F(ResumeTest, ResumedRunKeepsItsReplicasOnOtherCores) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  options_.batch_size = 64;
  Recorder whole, second;
  ASSERT_TRUE(Run("whole", &whole).ok());
  RunUntilEpoch2("parts");
  at::set_num_threads(1);
  ASSERT_EQ(CountReplicas(torch::kCPU, options_.batch_size), 1);
  EXPECT_TRUE(Run("parts", &second, /*resume=*/true).ok());
  at::set_num_threads(threads);
  ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(second.files.Latest()));
  EXPECT_EQ(latest.training_state.at("replicas").toInt(), 2);
  ExpectSameWeights(whole.files.Latest(), second.files.Latest());
}

TEST_F(ResumeTest, ResumingNothingSaysThatItStartsOver) {
  constexpr char kMessage[] = "no checkpoint was found; the training starts over";
  Recorder fresh, resumed;
  ASSERT_THAT(Run("fresh", &fresh), IsOk());
  EXPECT_THAT(fresh.messages, testing::Not(testing::Contains(kMessage)));
  WriteTestFile(RunFiles{OutputDir("nothing")}.Epoch(5), "of an earlier run");
  ASSERT_THAT(Run("nothing", &resumed, /*resume=*/true), IsOk());
  EXPECT_THAT(resumed.messages, testing::Contains(kMessage));
  EXPECT_FALSE(std::filesystem::exists(resumed.files.Epoch(5)));
}

TEST_F(ResumeTest, DamagedTrainingStateIsRefusedByName) {
  Recorder recorder;
  ASSERT_THAT(Run("damaged", &recorder), IsOk());
  const std::string latest = recorder.files.Latest(), whole = *ReadFile(latest);
  const auto expect_refused = [&](const std::string& text, const std::function<void(Checkpoint*)>& damage) {
    ASSERT_THAT(WriteFileAtomically(latest, whole), IsOk());
    ASSERT_OK_AND_ASSIGN(Checkpoint checkpoint, LoadCheckpoint(latest));
    damage(&checkpoint);
    ASSERT_THAT(SaveCheckpoint(latest, checkpoint), IsOk());
    Recorder resumed;
    EXPECT_THAT(Run("damaged", &resumed, /*resume=*/true),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", latest + ": " + text));
    EXPECT_TRUE(resumed.epochs.empty());
  };
  const auto set = [](const char* key, const c10::IValue& value) {
    return [key, value](Checkpoint* checkpoint) { checkpoint->training_state.insert_or_assign(key, value); };
  };
  const auto set_history = [&](const std::function<void(std::vector<EpochReport>*)>& change) {
    std::vector<EpochReport> history = recorder.epochs;
    change(&history);
    return set("history", HistoryToJson(history));
  };
  using History = std::vector<EpochReport>;
  expect_refused("no string 'history'", set("history", int64_t{3}));
  expect_refused("bad epoch history", set("history", "{"));
  expect_refused("history of 0 epochs after epoch 3", set("history", "[]"));
  expect_refused("history of 2 epochs after epoch 3", set_history([](History* h) { h->pop_back(); }));
  expect_refused("history of 3 epochs after epoch 7", [](Checkpoint* checkpoint) { checkpoint->epoch = 7; });
  expect_refused("history: entry 2 is damaged", set_history([](History* h) { h->at(1).epoch = 3; }));
  expect_refused("history: entry 1 is damaged", set_history([](History* h) { h->at(0).is_best = false; }));
  expect_refused("history: entry 1 is damaged", set_history([](History* h) { h->at(0).val.rmse = NAN; }));
  expect_refused("history: entry 3 is damaged", set_history([](History* h) { h->at(2).elapsed_seconds = NAN; }));
  expect_refused("no number 'train_seconds'", set("train_seconds", torch::zeros({2})));
  expect_refused("no positive number 'train_seconds'", set("train_seconds", MakeNumber(0)));
  expect_refused("no integer 'replicas' from 1 to 1", set("replicas", int64_t{0}));
  expect_refused("no integer 'replicas' from 1 to 1", set("replicas", int64_t{2}));
  expect_refused("no positive integer 'steps'", set("steps", int64_t{-1}));
  expect_refused("'weights' is damaged or of another model", set("weights", torch::zeros({3})));
}

TEST_F(ResumeTest, BestModelLostInACrashIsWrittenFromTheCheckpoint) {
  options_.num_epochs = 1;
  Recorder first, second;
  const auto before = Run("lost", &first);
  ASSERT_TRUE(before.ok());
  std::filesystem::remove(OutputDir("lost") + "/best_model.pt");
  const auto after = Run("lost", &second, /*resume=*/true);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->digest, before->digest);
}

TEST_F(ResumeTest, ResumingWithOtherOptionsIsRefusedByName) {
  Recorder recorder;
  ASSERT_TRUE(Run("options", &recorder).ok());
  options_.model.fusion_heads = 4;  // The same number of weights.
  absl::Status status = Run("options", &recorder, /*resume=*/true).status();
  EXPECT_EQ(GetReason(status), "OTHER_OPTIONS");
  EXPECT_THAT(std::string(status.message()), HasSubstr("fusion_heads: 4 cannot resume a run with 2"));
  options_.model.fusion_heads = 2;
  options_.seed = 7;
  status = Run("options", &recorder, /*resume=*/true).status();
  EXPECT_EQ(GetErrorMetadata(status)["field"], "seed");
  options_.seed = 42;
  options_.num_epochs = 4;
  EXPECT_TRUE(Run("options", &recorder, /*resume=*/true).ok()) << "a run may be continued for longer";
}

TEST_F(ResumeTest, FreshRunRemovesWhatAnEarlierOneLeft) {
  options_.num_epochs = 5;
  Recorder recorder;
  ASSERT_TRUE(Run("again", &recorder).ok());
  recorder.on_step = [this](const StepReport&) { stop_ = true; };
  ASSERT_FALSE(Run("again", &recorder).ok());
  const RunFiles files{OutputDir("again")};
  for (const std::string& path : {files.Best(), files.Latest(), files.Epoch(5), files.MetricsCsv(), files.Result()}) {
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
}

TEST_F(ResumeTest, ResumingAFinishedRunOnlyEvaluates) {
  Recorder first, second;
  const auto before = Run("done", &first);
  ASSERT_TRUE(before.ok());
  const auto after = Run("done", &second, /*resume=*/true);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_TRUE(second.steps.empty());
  EXPECT_EQ(after->digest, before->digest);
  EXPECT_EQ(after->test.mse, before->test.mse);
}

TEST_F(ResumeTest, ResumingOnOtherDataIsRefused) {
  Recorder recorder;
  ASSERT_TRUE(Run("other", &recorder).ok());
  ProcessedDataset dataset = MakeDataset();
  dataset.train.affinity[0] += 1;
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  EXPECT_THAT(Run("other", &recorder, /*resume=*/true),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_DATASET", "was trained on other data"));
}

}  // namespace
}  // namespace deepbindnet
