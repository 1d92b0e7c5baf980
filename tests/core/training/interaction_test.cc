// The trained model against the best additive predictor, on held-out pairs of the synthetic data set.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "core/data/synthesize.h"
#include "core/model/checkpoint.h"
#include "core/model/predict_pairs.h"
#include "core/training/trainer.h"
#include "tests/support/additive_model.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

double BestAdditiveMse(const std::string& data_dir) {
  const ProcessedDataset dataset = LoadProcessedDataset(data_dir, {Part::kTrain, Part::kTest}).value();
  double best = std::numeric_limits<double>::infinity();
  for (const double shrinkage : {0.0, 5.0, 50.0, 500.0}) {
    const AdditiveModel additive(dataset.train, dataset.molecules.size(), dataset.proteins.size(), shrinkage);
    best = std::min(best, ComputeErrors(dataset.test.affinity, additive.Predict(dataset.test)).mse);
  }
  return best;
}

double StandardDeviation(const std::vector<double>& values) { return FitScaler(values).sd; }

// Of the predictions for the test part, as a share of that of the measurements.
double SpreadShare(const std::string& data_dir, const std::string& checkpoint) {
  const ProcessedDataset dataset = LoadProcessedDataset(data_dir, {Part::kTest}).value();
  const LoadedModel loaded = LoadModel(checkpoint, torch::kCPU).value();
  const std::vector<double> predicted =
      PredictAffinities(loaded.model, torch::kCPU, dataset, dataset.test, loaded.checkpoint.scaler);
  return StandardDeviation(predicted) / StandardDeviation(dataset.test.affinity);
}

TEST(InteractionTest, TheTrainedModelBeatsEveryAdditiveOneOnHeldOutPairs) {
  const TempDir dir;
  ASSERT_TRUE(Synthesize(dir / "pairs.csv", {3000, 11}).ok());
  ASSERT_TRUE(Preprocess(dir / "pairs.csv", dir / "data", {}, nullptr).ok());
  TrainingOptions options;
  options.num_epochs = 14;
  options.lr = 4e-3;
  options.ema_decay = 0.99;
  options.device = "cpu";
  const std::atomic<bool> stop{false};
  SilentObserver observer;
  const auto report = Train(dir / "data", dir / "model", options, /*resume=*/false, stop, &observer);
  ASSERT_TRUE(report.ok()) << report.status();
  const double additive = BestAdditiveMse(dir / "data");
  EXPECT_LT(report->test.mse, additive / 3) << "additive " << additive;
  EXPECT_GT(report->test.r2, 0.6);
  EXPECT_GT(SpreadShare(dir / "data", dir / "model/best_model.pt"), 0.5) << "predictions collapse to their mean";
}

}  // namespace
}  // namespace deepbindnet
