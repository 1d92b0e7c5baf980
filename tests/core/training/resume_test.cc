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

// Every report of the second run, and of what both left, is that of the first.
void ExpectSameRun(const Recorder& whole, const Recorder& resumed) {
  ASSERT_EQ(resumed.epochs.size(), whole.epochs.size()) << "epochs before the stop are reported again";
  for (size_t i = 0; i < whole.epochs.size(); ++i) {
    const EpochReport &a = whole.epochs[i], &b = resumed.epochs[i];
    EXPECT_EQ(b.epoch, a.epoch);
    EXPECT_EQ(b.train_loss, a.train_loss);
    EXPECT_EQ(b.learning_rate, a.learning_rate);
    EXPECT_EQ(b.gate_mean, a.gate_mean);
    EXPECT_EQ(b.gate_sd, a.gate_sd);
    EXPECT_EQ(b.is_best, a.is_best);
    const auto train_a = NamedMetrics(a.train), train_b = NamedMetrics(b.train);
    for (size_t m = 0; m < train_a.size(); ++m) {
      const bool undefined = std::isnan(train_a[m].second) && std::isnan(train_b[m].second);
      EXPECT_TRUE(undefined || train_a[m].second == train_b[m].second) << train_a[m].first;
    }
    const auto val_a = NamedMetrics(a.val), val_b = NamedMetrics(b.val);
    for (size_t m = 0; m < val_a.size(); ++m) EXPECT_EQ(val_b[m].second, val_a[m].second) << val_a[m].first;
  }
}

TEST_F(ResumeTest, ARunStoppedWhileThePriorIsFittedStartsOver) {
  Recorder whole, first, second;
  ASSERT_THAT(Run("whole", &whole), IsOk());
  first.on_phase = [this](const std::string& phase) { stop_ = phase == "fitting the similarity prior"; };
  const absl::Status stopped = Run("parts", &first).status();
  EXPECT_EQ(stopped.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(stopped.message()), HasSubstr("stopped while the similarity prior was fitted"));
  EXPECT_TRUE(first.steps.empty());
  stop_ = false;
  ASSERT_THAT(Run("parts", &second, /*resume=*/true), IsOk());
  ExpectSameWeights(whole.files.Best(), second.files.Best());
}

TEST_F(ResumeTest, ARunStoppedAtAnyStepEqualsTheUninterruptedOne) {
  options_.num_epochs = 2;
  options_.model.dropout_rate = 0.3;
  Recorder whole;
  ASSERT_OK_AND_ASSIGN(const TrainingReport report, Run("whole", &whole));
  ASSERT_GE(whole.steps.size(), 6U);
  for (size_t boundary = 1; boundary <= whole.steps.size(); ++boundary) {
    SCOPED_TRACE(testing::Message() << "after step " << boundary << " of " << whole.steps.size());
    const std::string output = "parts" + std::to_string(boundary);
    Recorder first, second;
    first.on_step = [&](const StepReport&) { stop_ = first.steps.size() == boundary; };
    EXPECT_EQ(Run(output, &first).status().code(), absl::StatusCode::kCancelled);
    stop_ = false;
    ASSERT_OK_AND_ASSIGN(const TrainingReport resumed, Run(output, &second, /*resume=*/true));
    EXPECT_EQ(first.steps.size() + second.steps.size(), whole.steps.size()) << "no step is taken twice";
    ExpectSameRun(whole, second);
    EXPECT_EQ(resumed.test.mse, report.test.mse);
    ExpectSameWeights(whole.files.Best(), second.files.Best());
    ExpectSameWeights(whole.files.Latest(), second.files.Latest());
    ExpectSameOptimizer(whole.files.Latest(), second.files.Latest());
  }
}

TEST_F(ResumeTest, ARunStoppedAtEveryStepEqualsTheUninterruptedOne) {
  options_.num_epochs = 2;
  options_.gradient_accumulation = 2;
  Recorder whole;
  ASSERT_THAT(Run("whole", &whole), IsOk());
  std::vector<StepReport> steps;
  for (;;) {
    Recorder part;
    part.on_step = [this](const StepReport&) { stop_ = true; };
    const auto report = Run("parts", &part, /*resume=*/true);
    stop_ = false;
    steps.insert(steps.end(), part.steps.begin(), part.steps.end());
    if (report.ok()) {
      ExpectSameRun(whole, part);
      break;
    }
    ASSERT_EQ(report.status().code(), absl::StatusCode::kCancelled) << report.status();
    ASSERT_LE(steps.size(), whole.steps.size());
  }
  ASSERT_EQ(steps.size(), whole.steps.size());
  for (size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i].loss, whole.steps[i].loss) << i;
  ExpectSameWeights(whole.files.Best(), RunFiles{OutputDir("parts")}.Best());
}

TEST_F(ResumeTest, ACheckpointBetweenStepsHoldsAModel) {
  Recorder first;
  first.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2; };
  EXPECT_EQ(Run("between", &first).status().message(), "stopped in epoch 2 after step 1");
  ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(first.files.Latest()));
  EXPECT_EQ(latest.epoch, 1);
  EXPECT_EQ(latest.training_state.at("epoch_steps").toInt(), 1);
  EXPECT_THAT(MakeModel(latest, torch::kCPU), IsOk());
  stop_ = false;
  Recorder second;
  ASSERT_THAT(Run("between", &second, /*resume=*/true), IsOk());
  EXPECT_THAT(second.messages, testing::Contains("resumed after epoch 1 and 1 steps of the next"));
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
  expect_refused("neither an epoch nor a step is finished", [](Checkpoint* checkpoint) {
    checkpoint->epoch = 0;
    checkpoint->training_state.insert_or_assign("history", "[]");
  });
  expect_refused("history of 2 epochs after epoch 3", set_history([](History* h) { h->pop_back(); }));
  expect_refused("history of 3 epochs after epoch 7", [](Checkpoint* checkpoint) { checkpoint->epoch = 7; });
  expect_refused("history: entry 2 is damaged", set_history([](History* h) { h->at(1).epoch = 3; }));
  expect_refused("history: entry 1 is damaged", set_history([](History* h) { h->at(0).is_best = false; }));
  expect_refused("history: entry 1 is damaged", set_history([](History* h) { h->at(0).val.rmse = NAN; }));
  expect_refused("history: entry 3 is damaged", set_history([](History* h) { h->at(2).elapsed_seconds = NAN; }));
  expect_refused("no number 'train_seconds'", set("train_seconds", torch::zeros({2})));
  expect_refused("no number 'train_seconds' of 0 or more", set("train_seconds", MakeNumber(-1)));
  expect_refused("no number 'elapsed_seconds' of 0 or more", set("elapsed_seconds", MakeNumber(NAN)));
  expect_refused("no integer 'replicas' from 1 to 1", set("replicas", int64_t{0}));
  expect_refused("no integer 'replicas' from 1 to 1", set("replicas", int64_t{2}));
  expect_refused("no integer 'epoch_steps' from 0", set("epoch_steps", int64_t{-1}));
  expect_refused("no number 'epoch_loss_sum'", set("epoch_steps", int64_t{1}));
  expect_refused("no integer 'steps' from 0", set("steps", int64_t{-1}));
  expect_refused("no finite number 'loss_scale' of 1 or more", set("loss_scale", MakeNumber(0.5)));
  expect_refused("no integer 'loss_scale_good_steps' from 0", set("loss_scale_good_steps", int64_t{-1}));
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
  for (const std::string& path : {files.Best(), files.Epoch(5), files.MetricsCsv(), files.Result()}) {
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
  ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(files.Latest()));
  EXPECT_EQ(latest.epoch, 0) << "of the stopped run";
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
