#include "core/training/trainer.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/data/processed_dataset.h"
#include "core/model/checkpoint.h"
#include "core/training/replicas.h"
#include "core/training/run_files.h"
#include "core/training/schedule.h"
#include "tests/support/status_matchers.h"
#include "tests/support/synthetic_batch.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

class Recorder : public TrainingObserver {
 public:
  void OnPhase(absl::string_view phase) override { phases.emplace_back(phase); }
  void OnStep(const StepReport& report) override {
    steps.push_back(report);
    if (on_step) on_step(report);
  }
  void OnEpoch(const EpochReport& report) override {
    latest_stands.push_back(std::filesystem::exists(files.Latest()));
    epochs.push_back(report);
  }
  void OnMessage(absl::string_view message) override { messages.emplace_back(message); }

  RunFiles files;
  std::function<void(const StepReport&)> on_step;
  std::vector<std::string> phases, messages;
  std::vector<StepReport> steps;
  std::vector<EpochReport> epochs;
  std::vector<bool> latest_stands;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    ProcessedDataset dataset = MakeDataset();
    EXPECT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
    options_.model.hidden_dim = 8;
    options_.model.feature_dim = 8;
    options_.model.fusion_heads = 2;
    options_.model.drug_layers = 1;
    options_.batch_size = 16;
    options_.num_epochs = 3;
    options_.mixed_precision = false;
    options_.device = "cpu";
  }

  // Affinity 6 where one of drug and target has an odd index, else 4: an interaction without main effects.
  ProcessedDataset MakeDataset() const {
    std::mt19937 random(5);
    const SyntheticEntities entities({4, 6, 5, 7, 3, 9, 5, 4}, {20, 35, 50, 64, 18, 40}, 5);
    ProcessedDataset dataset;
    for (size_t d = 0; d < entities.graphs.size(); ++d) {
      dataset.molecules.push_back({"M" + std::to_string(d), entities.graphs[d]});
    }
    for (size_t t = 0; t < entities.tokens.size(); ++t) {
      dataset.proteins.push_back({std::string(entities.tokens[t].size(), 'A'), entities.tokens[t]});
    }
    int64_t row = 0;
    for (int d = 0; d < 8; ++d) {
      for (int t = 0; t < 6; ++t) {
        PairTable& part = random() % 5 == 0 ? dataset.val : random() % 5 == 0 ? dataset.test : dataset.train;
        part.drug.push_back(d);
        part.target.push_back(t);
        part.affinity.push_back(5 + ((d ^ t) & 1 ? 1.0 : -1.0));
        part.row.push_back(++row);
      }
    }
    dataset.scaler = FitScaler(dataset.train.affinity);
    dataset.manifest.affinity_unit = "pKd";
    dataset.manifest.train_pairs = dataset.train.size();
    dataset.manifest.val_pairs = dataset.val.size();
    dataset.manifest.test_pairs = dataset.test.size();
    return dataset;
  }

  absl::StatusOr<TrainingReport> Run(const std::string& output, Recorder* recorder, bool resume = false) {
    recorder->files = RunFiles{OutputDir(output)};
    return Train(data_dir_, OutputDir(output), options_, resume, stop_, recorder);
  }
  std::string OutputDir(const std::string& output) const { return root_ / output; }

  static void ExpectSameWeights(const std::string& a, const std::string& b) {
    const auto first = LoadCheckpoint(a), second = LoadCheckpoint(b);
    ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
    for (const auto& entry : first->weights) {
      EXPECT_TRUE(torch::equal(entry.value().toTensor(), *GetTensor(second->weights, entry.key().toStringRef())))
          << entry.key();
    }
  }

  const TempDir root_;
  const std::string data_dir_ = root_ / "data";
  TrainingOptions options_;
  std::atomic<bool> stop_{false};
};

TEST_F(TrainerTest, LearnsAnInteractionThatNoSumExplains) {
  options_.num_epochs = 150;
  options_.lr = 1e-2;
  options_.model.dropout_rate = 0;
  options_.ema_decay = 0;
  options_.patience = 0;
  Recorder recorder;
  const auto report = Run("learn", &recorder);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_LT(recorder.epochs.back().train.mse, 0.1) << "the affinities have variance 1";
  EXPECT_GT(recorder.epochs.front().train.mse, 0.5);
}

TEST_F(TrainerTest, LeavesCheckpointsMetricsAndResult) {
  options_.num_epochs = 5;
  Recorder recorder;
  const auto report = Run("files", &recorder);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(recorder.phases, (std::vector<std::string>{"loading", "training", "evaluating"}));
  ASSERT_EQ(recorder.epochs.size(), 5U);
  EXPECT_EQ(recorder.latest_stands, std::vector<bool>(5, true))
      << "nobody hears of an epoch before its checkpoint stands";
  const RunFiles files{OutputDir("files")};
  for (const std::string& path : {files.Best(), files.Latest(), files.Epoch(5), files.MetricsCsv(), files.Result()}) {
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
  }
  EXPECT_FALSE(std::filesystem::exists(files.Epoch(4)));
  const auto best = LoadCheckpoint(files.Best());
  ASSERT_TRUE(best.ok());
  EXPECT_EQ(best->epoch, report->best_epoch);
  EXPECT_EQ(best->affinity_unit, "pKd");
  EXPECT_EQ(best->options.hidden_dim, 8);
  EXPECT_EQ(*Sha256HexOfFile(files.Best()), report->digest);
  EXPECT_EQ(report->stop_reason, "num_epochs");
  EXPECT_GT(report->test.pairs, 0);
  EXPECT_EQ(report->val.rmse, recorder.epochs[report->best_epoch - 1].val.rmse);
  const std::string csv = *ReadFile(files.MetricsCsv());
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 6);
  for (const auto& entry : std::filesystem::directory_iterator(files.output_dir)) {
    EXPECT_THAT(entry.path().string(), testing::Not(HasSubstr(std::string(kUnfinishedSuffix))));
  }
}

TEST_F(TrainerTest, BestIsTheLowestValidationRmse) {
  options_.num_epochs = 8;
  Recorder recorder;
  const auto report = Run("best", &recorder);
  ASSERT_TRUE(report.ok());
  double lowest = 1e9;
  for (const EpochReport& epoch : recorder.epochs) {
    EXPECT_EQ(epoch.is_best, epoch.val.rmse < lowest) << epoch.epoch;
    lowest = std::min(lowest, epoch.val.rmse);
  }
  EXPECT_EQ(report->val.rmse, lowest);
}

TEST_F(TrainerTest, TheTestPartDoesNotInfluenceTraining) {
  Recorder recorder;
  ASSERT_TRUE(Run("with", &recorder).ok());
  ProcessedDataset dataset = MakeDataset();
  for (double& affinity : dataset.test.affinity) affinity *= -100;
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  ASSERT_TRUE(Run("without", &recorder).ok());
  ExpectSameWeights(OutputDir("with") + "/best_model.pt", OutputDir("without") + "/best_model.pt");
}

TEST_F(TrainerTest, SameSeedGivesTheSameModel) {
  Recorder recorder;
  ASSERT_TRUE(Run("one", &recorder).ok());
  ASSERT_TRUE(Run("two", &recorder).ok());
  EXPECT_EQ(*Sha256HexOfFile(OutputDir("one") + "/best_model.pt"),
            *Sha256HexOfFile(OutputDir("two") + "/best_model.pt"));
}

TEST_F(TrainerTest, ResumedRunEqualsTheUninterruptedOne) {
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

TEST_F(TrainerTest, ResumedRunEqualsTheUninterruptedOneInMixedPrecisionToo) {
  options_.mixed_precision = true;
  Recorder whole, first, second;
  ASSERT_TRUE(Run("whole", &whole).ok());
  first.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2; };
  ASSERT_FALSE(Run("parts", &first).ok());
  stop_ = false;
  ASSERT_TRUE(Run("parts", &second, /*resume=*/true).ok());
  ExpectSameWeights(OutputDir("whole") + "/latest_checkpoint.pt", OutputDir("parts") + "/latest_checkpoint.pt");
}

TEST_F(TrainerTest, ResumedRunOfTwoReplicasEqualsTheUninterruptedOneToo) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  options_.batch_size = 64;
  ASSERT_EQ(CountReplicas(torch::kCPU, options_.batch_size), 2);
  Recorder whole, first, second;
  ASSERT_TRUE(Run("whole", &whole).ok());
  first.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2; };
  EXPECT_FALSE(Run("parts", &first).ok());
  stop_ = false;
  EXPECT_TRUE(Run("parts", &second, /*resume=*/true).ok());
  ExpectSameWeights(OutputDir("whole") + "/latest_checkpoint.pt", OutputDir("parts") + "/latest_checkpoint.pt");
  at::set_num_threads(threads);
}

TEST_F(TrainerTest, ResumedRunKeepsItsReplicasOnOtherCores) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  options_.batch_size = 64;
  Recorder whole, first, second;
  ASSERT_TRUE(Run("whole", &whole).ok());
  first.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2; };
  EXPECT_FALSE(Run("parts", &first).ok());
  stop_ = false;
  at::set_num_threads(1);
  ASSERT_EQ(CountReplicas(torch::kCPU, options_.batch_size), 1);
  EXPECT_TRUE(Run("parts", &second, /*resume=*/true).ok());
  at::set_num_threads(threads);
  ASSERT_OK_AND_ASSIGN(const Checkpoint latest, LoadCheckpoint(second.files.Latest()));
  EXPECT_EQ(latest.training_state.at("replicas").toInt(), 2);
  ExpectSameWeights(whole.files.Latest(), second.files.Latest());
}

TEST_F(TrainerTest, LearningRateFollowsTheScheduleAtEveryStep) {
  options_.warmup_fraction = 0.3;
  Recorder first, second;
  first.on_step = [this](const StepReport& step) { stop_ = step.epoch == 2; };
  ASSERT_EQ(Run("schedule", &first).status().code(), absl::StatusCode::kCancelled);
  stop_ = false;
  ASSERT_TRUE(Run("schedule", &second, /*resume=*/true).ok());
  const int64_t per_epoch = first.steps.front().steps;
  ASSERT_GT(per_epoch, 1);
  ASSERT_EQ(first.steps.size(), per_epoch + 1) << "over the end of an epoch";
  ASSERT_EQ(second.steps.size(), 2 * per_epoch) << "the second epoch again and the third";
  const auto expect_schedule = [&](const StepReport& step) {
    const auto done = static_cast<double>((step.epoch - 1) * per_epoch + step.step - 1);
    const double share = WarmupCosine(done / static_cast<double>(3 * per_epoch), options_.warmup_fraction);
    EXPECT_DOUBLE_EQ(step.learning_rate, options_.lr * share) << "epoch " << step.epoch << ", step " << step.step;
  };
  for (const StepReport& step : first.steps) expect_schedule(step);
  for (const StepReport& step : second.steps) expect_schedule(step);
  EXPECT_EQ(second.epochs.back().learning_rate, second.steps.back().learning_rate);
}

TEST_F(TrainerTest, StopAtTheLastStepIsNoSuccess) {
  Recorder first, second;
  first.on_step = [this](const StepReport& step) {
    stop_ = step.epoch == options_.num_epochs && step.step == step.steps;
  };
  EXPECT_THAT(Run("late", &first), IsError(absl::StatusCode::kCancelled, "CANCELLED", "stopped after epoch 3"));
  EXPECT_EQ(first.epochs.size(), 3U) << "the epoch is validated and saved";
  EXPECT_EQ(first.phases, (std::vector<std::string>{"loading", "training"}));
  EXPECT_FALSE(std::filesystem::exists(first.files.Result()));
  stop_ = false;
  EXPECT_THAT(Run("late", &second, /*resume=*/true), IsOk());
  EXPECT_TRUE(second.steps.empty());
}

TEST_F(TrainerTest, WhatAKilledWriterLeftIsRemoved) {
  Recorder recorder;
  for (const bool resume : {false, true}) {
    const std::string unfinished = OutputDir("killed") + "/latest_checkpoint.pt.0123abcd.unfinished";
    WriteTestFile(unfinished, "half");
    ASSERT_THAT(Run("killed", &recorder, resume), IsOk());
    EXPECT_FALSE(std::filesystem::exists(unfinished)) << resume;
  }
}

TEST_F(TrainerTest, ResumingNothingSaysThatItStartsOver) {
  constexpr char kMessage[] = "no checkpoint was found; the training starts over";
  Recorder fresh, resumed;
  ASSERT_THAT(Run("fresh", &fresh), IsOk());
  EXPECT_THAT(fresh.messages, testing::Not(testing::Contains(kMessage)));
  WriteTestFile(RunFiles{OutputDir("nothing")}.Epoch(5), "of an earlier run");
  ASSERT_THAT(Run("nothing", &resumed, /*resume=*/true), IsOk());
  EXPECT_THAT(resumed.messages, testing::Contains(kMessage));
  EXPECT_FALSE(std::filesystem::exists(resumed.files.Epoch(5)));
}

TEST_F(TrainerTest, DamagedTrainingStateIsRefusedByName) {
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

TEST_F(TrainerTest, BestModelLostInACrashIsWrittenFromTheCheckpoint) {
  options_.num_epochs = 1;
  Recorder first, second;
  const auto before = Run("lost", &first);
  ASSERT_TRUE(before.ok());
  std::filesystem::remove(OutputDir("lost") + "/best_model.pt");
  const auto after = Run("lost", &second, /*resume=*/true);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->digest, before->digest);
}

TEST_F(TrainerTest, ResumingWithOtherOptionsIsRefusedByName) {
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

TEST_F(TrainerTest, FreshRunRemovesWhatAnEarlierOneLeft) {
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

TEST_F(TrainerTest, ValidationThatIsNotFiniteIsAnError) {
  ProcessedDataset dataset = MakeDataset();
  dataset.val.affinity[0] = 1e200;
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  Recorder recorder;
  const absl::Status status = Run("validation", &recorder).status();
  EXPECT_EQ(GetReason(status), "LOSS_NOT_FINITE") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("validation RMSE"));
}

TEST_F(TrainerTest, ResumingAFinishedRunOnlyEvaluates) {
  Recorder first, second;
  const auto before = Run("done", &first);
  ASSERT_TRUE(before.ok());
  const auto after = Run("done", &second, /*resume=*/true);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_TRUE(second.steps.empty());
  EXPECT_EQ(after->digest, before->digest);
  EXPECT_EQ(after->test.mse, before->test.mse);
}

TEST_F(TrainerTest, ResumingOnOtherDataIsRefused) {
  Recorder recorder;
  ASSERT_TRUE(Run("other", &recorder).ok());
  ProcessedDataset dataset = MakeDataset();
  dataset.train.affinity[0] += 1;
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  EXPECT_THAT(Run("other", &recorder, /*resume=*/true),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_DATASET", "was trained on other data"));
}

TEST_F(TrainerTest, OtherDataAtTheEndAreNotEvaluated) {
  Recorder recorder;
  recorder.on_step = [this](const StepReport& step) {
    if (step.epoch != options_.num_epochs || step.step != step.steps) return;
    ProcessedDataset dataset = MakeDataset();
    dataset.test.affinity[0] += 1;
    ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  };
  EXPECT_THAT(Run("changed", &recorder),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_DATASET", "than the one trained on"));
  EXPECT_FALSE(std::filesystem::exists(recorder.files.Result()));
}

TEST_F(TrainerTest, ProteinThatIsTooLongForTheModelIsRefused) {
  options_.model.max_sequence_length = 63;
  Recorder recorder;
  EXPECT_THAT(Run("long", &recorder),
              IsError(absl::StatusCode::kInvalidArgument, "SEQUENCE_TOO_LONG",
                      data_dir_ + ": sequence of 64 residues: this model takes at most 63 (max_sequence_length)"));
}

TEST_F(TrainerTest, PatienceStopsEarly) {
  options_.num_epochs = 500;
  options_.patience = 2;
  options_.lr = 0.1;
  Recorder recorder;
  const auto report = Run("patience", &recorder);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->stop_reason, "patience");
  EXPECT_EQ(report->epochs_run, report->best_epoch + 2);
}

TEST_F(TrainerTest, MaxMinutesEndsTheRun) {
  options_.num_epochs = 100000;
  options_.patience = 0;
  options_.max_minutes = 0.01;
  Recorder recorder;
  const auto report = Run("minutes", &recorder);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->stop_reason, "max_minutes");
  EXPECT_LT(report->epochs_run, 100000);
}

TEST_F(TrainerTest, LossThatIsNotFiniteNamesTheStep) {
  ProcessedDataset dataset = MakeDataset();
  dataset.train.affinity[3] = 1e300;  // Finite in the file, infinite as a float.
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  Recorder recorder;
  const absl::Status status = Run("infinite", &recorder).status();
  EXPECT_EQ(GetReason(status), "LOSS_NOT_FINITE") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("epoch 1, step"));
}

TEST_F(TrainerTest, StandardModelHasNoGate) {
  options_.model.model_type = ModelType::kStandard;
  Recorder standard, gated;
  ASSERT_TRUE(Run("standard", &standard).ok());
  EXPECT_EQ(standard.epochs.back().gate_mean, 1.0);
  EXPECT_EQ(standard.epochs.back().gate_sd, 0.0);
  options_.model.model_type = ModelType::kGated;
  ASSERT_TRUE(Run("gated", &gated).ok());
  EXPECT_GT(gated.epochs.back().gate_mean, 0.0);
  EXPECT_LT(gated.epochs.back().gate_mean, 1.0);
}

TEST_F(TrainerTest, BadOptionIsNamedBeforeAnythingIsWritten) {
  options_.lr = -1;
  Recorder recorder;
  const absl::Status status = Run("bad", &recorder).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorMetadata(status)["field"], "lr");
  EXPECT_FALSE(std::filesystem::exists(OutputDir("bad")));
}

TEST_F(TrainerTest, DatasetWithoutValidationIsRefused) {
  ProcessedDataset dataset = MakeDataset();
  dataset.val = {};
  dataset.manifest.val_pairs = 0;
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  Recorder recorder;
  const absl::Status status = Run("none", &recorder).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("validation part has no pairs"));
}

}  // namespace
}  // namespace deepbindnet
