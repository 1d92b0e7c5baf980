// The event files of real trainings, read by an independent reader in Python.
#include <ATen/Parallel.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "core/training/event_file.h"
#include "core/training/sampler.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class EventFilesOfARunTest : public TrainerTest {
 protected:
  // How many gate values each histogram of an epoch has: those of its last batch.
  std::map<std::string, int64_t> GateCounts(int epoch) const {
    const ProcessedDataset dataset = MakeDataset();
    int64_t atoms = 0, tokens = 0;
    const auto batches = EpochBatches(dataset.train.target, options_.batch_size, options_.seed, epoch);
    for (const int64_t pair : batches.back()) {
      atoms += dataset.molecules[dataset.train.drug[pair]].graph.atoms();
      const auto residues = static_cast<double>(dataset.proteins[dataset.train.target[pair]].tokens.size());
      tokens += static_cast<int64_t>(std::ceil(residues / options_.model.residues_per_token));
    }
    std::map<std::string, int64_t> counts;
    for (int layer = 1; layer <= options_.model.fusion_layers; ++layer) {
      counts[absl::StrCat("Gate/layer_", layer, "/drug")] = atoms * options_.model.hidden_dim;
      counts[absl::StrCat("Gate/layer_", layer, "/target")] = tokens * options_.model.hidden_dim;
    }
    return counts;
  }

  // The steps that count: of each the newest.
  static json StepsOf(const std::vector<StepReport>& reports) {
    std::map<int64_t, json> steps;
    for (const StepReport& step : reports) {
      steps[step.run_step] = {step.run_step, step.batch_loss, step.learning_rate, step.pairs_per_second};
    }
    json all = json::array();
    for (const auto& [run_step, step] : steps) all.push_back(step);
    return all;
  }

  void ExpectPythonAgrees(const std::string& output, const std::vector<StepReport>& steps,
                          const std::map<std::string, int64_t>& gates, const std::vector<int64_t>& restarts) {
    const json expected = {{"steps", StepsOf(steps)}, {"gates", gates}, {"restarts", restarts}};
    const std::string path = root_.Write("expected.json", expected.dump());
    const std::string script = DEEPBINDNET_SOURCE_DIR "/tests/core/training/event_files_check.py";
    EXPECT_EQ(std::system(absl::StrCat("/usr/bin/python3 -B ", script, " ", OutputDir(output), " ", path).c_str()), 0)
        << "make deps installs python3-torch";
  }
};

TEST_F(EventFilesOfARunTest, PythonReadsEveryValueOfATraining) {
  options_.num_epochs = 1;
  Recorder recorder;
  ASSERT_THAT(Run("gated", &recorder), IsOk());
  ASSERT_GT(recorder.steps.size(), 1U);
  ExpectPythonAgrees("gated", recorder.steps, GateCounts(1), {});
}

TEST_F(EventFilesOfARunTest, GatesOfEveryLayerAndReplicaAreCounted) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  options_.batch_size = 64;  // All pairs, on two replicas.
  options_.model.fusion_layers = 3;
  Recorder recorder;
  const auto report = Run("layers", &recorder);
  at::set_num_threads(before);
  ASSERT_THAT(report, IsOk());
  ExpectPythonAgrees("layers", recorder.steps, GateCounts(1), {});
}

TEST_F(EventFilesOfARunTest, AStandardModelHasNoGates) {
  options_.model.model_type = ModelType::kStandard;
  options_.loss = Loss::kHuber;
  options_.max_minutes = 1000;
  Recorder recorder;
  ASSERT_THAT(Run("standard", &recorder), IsOk());
  ExpectPythonAgrees("standard", recorder.steps, {}, {});
}

TEST_F(EventFilesOfARunTest, AResumedRunReadsAsIfItHadNeverStopped) {
  options_.batch_size = 64;
  options_.num_epochs = 4;
  std::vector<StepReport> steps;
  std::vector<int64_t> restarts;
  for (const int stop_in : {2, 4, 0}) {
    Recorder recorder;
    recorder.on_step = [&](const StepReport& step) {
      steps.push_back(step);
      stop_ = step.epoch == stop_in;
    };
    const absl::Status status = Run("resumed", &recorder, /*resume=*/!steps.empty()).status();
    EXPECT_EQ(status.ok(), stop_in == 0) << status;
    stop_ = false;
    if (stop_in > 0) restarts.push_back(recorder.steps.back().run_step + 1);
  }
  ExpectPythonAgrees("resumed", steps, GateCounts(1), restarts);
}

// As after kill -9: the log is ahead of the checkpoint.
TEST_F(EventFilesOfARunTest, StepsAfterTheCheckpointAreTrainedAndReadAgain) {
  std::vector<StepReport> steps;
  options_.model.model_type = ModelType::kStandard;
  Recorder killed, resumed;
  killed.on_step = [&](const StepReport& step) {
    steps.push_back(step);
    if (step.epoch != 2) return;
    std::filesystem::copy_file(killed.files.Latest(), root_ / "kept.pt");
    stop_ = true;
  };
  ASSERT_TRUE(absl::IsCancelled(Run("again", &killed).status()));
  stop_ = false;
  std::filesystem::rename(root_ / "kept.pt", killed.files.Latest());
  const int64_t per_epoch = steps.back().steps;
  ASSERT_GT(per_epoch, 1);
  ASSERT_EQ(steps.back().run_step, per_epoch + 1) << "the first step of epoch 2 is in the log";
  resumed.on_step = [&](const StepReport& step) { steps.push_back(step); };
  ASSERT_THAT(Run("again", &resumed, /*resume=*/true), IsOk());
  ASSERT_EQ(resumed.steps.front().run_step, per_epoch + 1);
  ExpectPythonAgrees("again", steps, {}, {per_epoch + 1});
}

TEST_F(EventFilesOfARunTest, ARunStoppedInItsFirstEpochKeepsItsSteps) {
  options_.num_epochs = 1;
  std::vector<StepReport> steps;
  Recorder first, second;
  first.on_step = [&](const StepReport& step) {
    steps.push_back(step);
    stop_ = true;
  };
  ASSERT_TRUE(absl::IsCancelled(Run("early", &first).status()));
  stop_ = false;
  second.on_step = [&](const StepReport& step) { steps.push_back(step); };
  ASSERT_THAT(Run("early", &second, /*resume=*/true), IsOk());
  ASSERT_EQ(second.steps.front().run_step, 2);
  ExpectPythonAgrees("early", steps, GateCounts(1), {2});
}

TEST_F(EventFilesOfARunTest, ALogThatCannotBeWrittenStopsNothing) {
  WriteTestFile(OutputDir("blocked") + "/logs", "a file in the way");
  Recorder recorder;
  ASSERT_THAT(Run("blocked", &recorder), IsOk());
  EXPECT_EQ(recorder.epochs.size(), 3U);
  ASSERT_THAT(recorder.messages, SizeIs(1));
  EXPECT_THAT(recorder.messages[0], HasSubstr("TensorBoard's log ends here"));
}

TEST_F(EventFilesOfARunTest, ANewRunIsAloneInItsDirectory) {
  Recorder recorder;
  ASSERT_THAT(Run("twice", &recorder), IsOk());
  ASSERT_THAT(Run("twice", &recorder), IsOk());
  EXPECT_THAT(ListEventFiles(OutputDir("twice") + "/logs"), SizeIs(1));
}

}  // namespace
}  // namespace deepbindnet
