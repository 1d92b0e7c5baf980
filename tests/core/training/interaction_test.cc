// The trained model against the best additive predictor, on held-out pairs of the synthetic data set.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "core/data/synthesize.h"
#include "core/training/trainer.h"
#include "tests/support/additive_model.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

class Silent : public TrainingObserver {
 public:
  void OnPhase(absl::string_view phase) override {}
  void OnStep(const StepReport& report) override {}
  void OnEpoch(const EpochReport& report) override {}
  void OnMessage(absl::string_view message) override {}
};

double BestAdditiveMse(const std::string& data_dir) {
  const ProcessedDataset dataset = LoadProcessedDataset(data_dir, {Part::kTrain, Part::kTest}).value();
  double best = std::numeric_limits<double>::infinity();
  for (const double shrinkage : {0.0, 5.0, 50.0, 500.0}) {
    const AdditiveModel additive(dataset.train, dataset.molecules.size(), dataset.proteins.size(), shrinkage);
    best = std::min(best, ComputeErrors(dataset.test.affinity, additive.Predict(dataset.test)).mse);
  }
  return best;
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
  Silent observer;
  const auto report = Train(dir / "data", dir / "model", options, /*resume=*/false, stop, &observer);
  ASSERT_TRUE(report.ok()) << report.status();
  const double additive = BestAdditiveMse(dir / "data");
  EXPECT_LT(report->test.mse, additive / 3) << "additive " << additive;
  EXPECT_GT(report->test.r2, 0.6);
}

}  // namespace
}  // namespace deepbindnet
