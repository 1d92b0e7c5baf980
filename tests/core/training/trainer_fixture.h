// A small data set with an interaction, and runs of the trainer on it.
#ifndef DEEPBINDNET_TESTS_CORE_TRAINING_TRAINER_FIXTURE_H_
#define DEEPBINDNET_TESTS_CORE_TRAINING_TRAINER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/data/processed_dataset.h"
#include "core/model/checkpoint.h"
#include "core/training/run_files.h"
#include "core/training/trainer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/synthetic_batch.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {

class Recorder : public TrainingObserver {
 public:
  void OnPhase(absl::string_view phase) override {
    phases.emplace_back(phase);
    if (on_phase) on_phase(phases.back());
  }
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
  std::function<void(const std::string&)> on_phase;
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
    options_.model.hidden_dim = 32;  // Which the kernels take.
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

  static void ExpectSameOptimizer(const std::string& a, const std::string& b) {
    const auto first = LoadCheckpoint(a), second = LoadCheckpoint(b);
    ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
    for (const char* const name : {"weights", "first_moment", "second_moment", "average"}) {
      EXPECT_TRUE(torch::equal(*GetTensor(first->training_state, name), *GetTensor(second->training_state, name)))
          << name;
    }
  }

  const TempDir root_;
  const std::string data_dir_ = root_ / "data";
  TrainingOptions options_;
  std::atomic<bool> stop_{false};
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_TRAINING_TRAINER_FIXTURE_H_
