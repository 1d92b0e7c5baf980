#include "core/training/trainer.h"

#include <cmath>
#include <filesystem>

#include "core/training/schedule.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

using testing::HasSubstr;

TEST_F(TrainerTest, LearnsAnInteractionThatNoSumExplains) {
  options_.num_epochs = 150;
  options_.lr = 1e-2;
  options_.model.dropout_rate = 0;
  options_.feature_dropout_rate = 0;
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
  EXPECT_EQ(recorder.phases,
            (std::vector<std::string>{"loading", "fitting the similarity prior", "training", "evaluating"}));
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
  EXPECT_EQ(best->options.hidden_dim, 32);
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

TEST_F(TrainerTest, FeaturesOfTheDataSetMakeAModelWithThem) {
  ProcessedDataset dataset = MakeDataset();
  dataset.manifest.protein_feature_dim = 3;
  dataset.manifest.affinity_direction = AffinityDirection::kHigherBindsTighter;
  for (size_t i = 0; i < dataset.proteins.size(); ++i) {
    dataset.proteins[i].features = {static_cast<float>(i), 1.0F, -0.5F};
  }
  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  Recorder recorder;
  ASSERT_THAT(Run("features", &recorder), IsOk());
  for (const std::string& path : {RunFiles{OutputDir("features")}.Best(), RunFiles{OutputDir("features")}.Latest()}) {
    ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint, LoadCheckpoint(path));
    EXPECT_EQ(checkpoint.options.protein_feature_dim, 3);
    EXPECT_EQ(checkpoint.affinity_direction, AffinityDirection::kHigherBindsTighter);
    EXPECT_EQ(checkpoint.protein_vectors, VectorsOf(dataset));
  }
  options_.num_epochs = 4;
  EXPECT_THAT(Run("features", &recorder, /*resume=*/true), IsOk());
  EXPECT_EQ(recorder.epochs.back().epoch, 4);
}

TEST_F(TrainerTest, FeaturesCarryWhatTheSequencesDoNot) {
  // Every protein has the same residues: only the vectors tell them apart.
  ProcessedDataset dataset = MakeDataset();
  dataset.manifest.protein_feature_dim = 1;
  for (size_t t = 0; t < dataset.proteins.size(); ++t) {
    dataset.proteins[t].tokens.assign(20 + t / 1000, 1);
    dataset.proteins[t].sequence = std::string(20, 'A');
    dataset.proteins[t].features = {t % 2 == 0 ? 1.0F : -1.0F};
  }
  for (PairTable* part : {&dataset.train, &dataset.val, &dataset.test}) {
    for (int64_t i = 0; i < part->size(); ++i) part->affinity[i] = part->target[i] % 2 == 0 ? 4.0 : 6.0;
  }
  dataset.scaler = FitScaler(dataset.train.affinity);
  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  options_.num_epochs = 60;
  options_.lr = 1e-2;
  options_.model.dropout_rate = 0;
  options_.feature_dropout_rate = 0;
  options_.ema_decay = 0;
  options_.patience = 0;
  Recorder recorder;
  ASSERT_THAT(Run("tell", &recorder), IsOk());
  EXPECT_LT(recorder.epochs.back().val.mse, 0.1) << "the affinities have variance 1";
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

TEST_F(TrainerTest, TheTestPartIsReadWhenItIsAskedFor) {
  options_.evaluate_test = false;
  std::filesystem::rename(data_dir_ + "/test_data.pt", data_dir_ + "/kept.pt");
  Recorder recorder;
  const auto without = Run("model", &recorder);
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(without->test.pairs, 0);
  std::filesystem::rename(data_dir_ + "/kept.pt", data_dir_ + "/test_data.pt");
  options_.evaluate_test = true;
  const auto with = Run("model", &recorder, /*resume=*/true);
  ASSERT_THAT(with, IsOk());
  EXPECT_EQ(with->test.pairs, MakeDataset().test.size());
  EXPECT_EQ(with->digest, without->digest);
}

TEST_F(TrainerTest, SameSeedGivesTheSameModel) {
  Recorder recorder;
  ASSERT_TRUE(Run("one", &recorder).ok());
  ASSERT_TRUE(Run("two", &recorder).ok());
  EXPECT_EQ(*Sha256HexOfFile(OutputDir("one") + "/best_model.pt"),
            *Sha256HexOfFile(OutputDir("two") + "/best_model.pt"));
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
  ASSERT_EQ(second.steps.size(), 2 * per_epoch - 1) << "the rest of the second epoch and the third";
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
  EXPECT_EQ(first.phases, (std::vector<std::string>{"loading", "fitting the similarity prior", "training"}));
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

TEST_F(TrainerTest, ValidationThatIsNotFiniteIsAnError) {
  ProcessedDataset dataset = MakeDataset();
  dataset.val.affinity[0] = 1e200;
  ASSERT_TRUE(SaveProcessedDataset(data_dir_, &dataset).ok());
  Recorder recorder;
  const absl::Status status = Run("validation", &recorder).status();
  EXPECT_EQ(GetReason(status), "LOSS_NOT_FINITE") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("validation RMSE"));
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
  EXPECT_THAT(std::string(status.message()), HasSubstr("of the batch's 16 pairs 1 have no finite error (data row " +
                                                       std::to_string(dataset.train.row[3]) + ")"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("No epoch was finished"));
}

TEST_F(TrainerTest, LossThatIsNotFiniteLaterNamesTheLastGoodCheckpoint) {
  options_.lr = 1;
  options_.clip_norm = 0;
  options_.num_epochs = 100000;
  options_.ema_decay = 0;
  Recorder recorder;
  // Weights that are blown up between two epochs stand for a training that diverges.
  recorder.on_step = [&](const StepReport& step) { stop_ = step.epoch == 2; };
  ASSERT_EQ(Run("diverges", &recorder).status().code(), absl::StatusCode::kCancelled);
  stop_ = false;
  ASSERT_OK_AND_ASSIGN(Checkpoint latest, LoadCheckpoint(recorder.files.Latest()));
  GetTensor(latest.training_state, "weights")->mul_(1e30);
  ASSERT_THAT(SaveCheckpoint(recorder.files.Latest(), latest), IsOk());
  EXPECT_THAT(Run("diverges", &recorder, /*resume=*/true),
              IsError(absl::StatusCode::kInternal, "LOSS_NOT_FINITE",
                      "The last good checkpoint is " + recorder.files.Latest()));
}

TEST_F(TrainerTest, AccumulatedBatchesMakeOneStep) {
  options_.model.dropout_rate = 0;
  options_.feature_dropout_rate = 0;
  options_.num_epochs = 1;
  Recorder whole, parts;
  ASSERT_THAT(Run("whole", &whole), IsOk());
  options_.batch_size /= 4;
  options_.gradient_accumulation = 4;
  ASSERT_THAT(Run("parts", &parts), IsOk());
  ASSERT_EQ(parts.steps.size(), whole.steps.size());
  for (size_t i = 0; i < parts.steps.size(); ++i) EXPECT_NEAR(parts.steps[i].loss, whole.steps[i].loss, 1e-5) << i;
  EXPECT_NEAR(parts.epochs[0].val.rmse, whole.epochs[0].val.rmse, 1e-5);
}

TEST_F(TrainerTest, TheNewestEpochCheckpointsAreKept) {
  options_.num_epochs = 16;
  options_.patience = 0;
  options_.keep_checkpoints = 2;
  Recorder recorder;
  ASSERT_THAT(Run("kept", &recorder), IsOk());
  EXPECT_FALSE(std::filesystem::exists(recorder.files.Epoch(5)));
  EXPECT_TRUE(std::filesystem::exists(recorder.files.Epoch(10)));
  EXPECT_TRUE(std::filesystem::exists(recorder.files.Epoch(15)));
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
