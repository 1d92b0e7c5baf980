// The whole way on the synthetic data set: prepare, train, predict.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "core/data/synthesize.h"
#include "core/inference/predictor.h"
#include "core/training/trainer.h"
#include "core/training/training_options.h"
#include "tests/bench/figures.h"

namespace deepbindnet {
namespace {

constexpr int64_t kPairs = 4000;
constexpr int kScreened = 512;  // Molecules against one protein.

// A temporary directory that is gone when the process ends.
const std::string& Workspace() {
  static const struct Directory {
    Directory() : path((std::filesystem::temp_directory_path() / "deepbindnet_bench_XXXXXX").string()) {
      if (mkdtemp(path.data()) == nullptr) std::abort();
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::string path;
  } directory;
  return directory.path;
}

std::string CsvFile() { return Workspace() + "/pairs.csv"; }

absl::Status WriteCsv() {
  SynthesizeOptions options;
  options.pairs = kPairs;
  return Synthesize(CsvFile(), options).status();
}

absl::Status PrepareData() {
  const auto quiet = [](absl::string_view phase, int64_t done, int64_t total) {};
  return Preprocess(CsvFile(), Workspace() + "/data", PreprocessOptions(), quiet).status();
}

absl::StatusOr<TrainingReport> TrainTwoEpochs() {
  DBN_ASSIGN_OR_RETURN(TrainingOptions options, TrainingPreset("small"));
  options.num_epochs = 2;
  const std::atomic<bool> stop(false);
  SilentObserver observer;
  return Train(Workspace() + "/data", Workspace() + "/model", options, /*resume=*/false, stop, &observer);
}

// Both figures need the same data set, and prediction a model, whichever of them is asked for.
absl::Status EnsureModel(TrainingReport* report) {
  static const absl::StatusOr<TrainingReport> trained = [] {
    absl::Status prepared = WriteCsv();
    if (prepared.ok()) prepared = PrepareData();
    return prepared.ok() ? TrainTwoEpochs() : absl::StatusOr<TrainingReport>(prepared);
  }();
  if (trained.ok()) *report = *trained;
  return trained.status();
}

void PreparedPairs(benchmark::State& state) {
  const absl::Status written = WriteCsv();
  if (!written.ok()) state.SkipWithError(written.ToString().c_str());
  for (auto _ : state) {
    const absl::Status status = PrepareData();
    if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  }
  ReportItems(state, kPairs);
}

void TrainedPairs(benchmark::State& state) {
  TrainingReport report;
  for (auto _ : state) {
    const absl::Status status = EnsureModel(&report);
    if (!status.ok()) state.SkipWithError(status.ToString().c_str());
  }
  ReportRate(state, report.pairs_per_second);
}

absl::StatusOr<PredictionInput> ScreeningInput() {
  DBN_ASSIGN_OR_RETURN(const ProcessedDataset data, LoadProcessedDataset(Workspace() + "/data", {}));
  PredictionInput input;
  input.sequences = {data.proteins.front().sequence};
  for (int i = 0; i < kScreened; ++i) {
    input.smiles.push_back(data.molecules[i % data.molecules.size()].canonical_smiles);
    input.pairs.push_back({i, 0});
  }
  return input;
}

absl::Status Screen(benchmark::State& state) {
  TrainingReport report;
  DBN_RETURN_IF_ERROR(EnsureModel(&report));
  DBN_ASSIGN_OR_RETURN(const auto predictor, LoadPredictor(Workspace() + "/model/best_model.pt", "cpu"));
  DBN_ASSIGN_OR_RETURN(const PredictionInput input, ScreeningInput());
  for (auto _ : state) DBN_RETURN_IF_ERROR(predictor->Predict(input).status());
  ReportItems(state, kScreened);
  return absl::OkStatus();
}

void ScreenedPairs(benchmark::State& state) {
  const absl::Status status = Screen(state);
  if (!status.ok()) state.SkipWithError(status.ToString().c_str());
}

// The goals: KIBA's 118,254 rows in 60 s; a naive implementation of the network; a million molecules in an hour.
const bool kAdded = AddFigure({"prepared_pairs_per_second", "pairs/s", 1971, PreparedPairs, /*once=*/true}) &&
                    AddFigure({"trained_pairs_per_second", "pairs/s", 1500, TrainedPairs, /*once=*/true}) &&
                    AddFigure({"screened_pairs_per_second", "pairs/s", 278, ScreenedPairs});

}  // namespace
}  // namespace deepbindnet
