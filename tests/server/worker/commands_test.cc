// The subcommands as people and scripts use them.
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/worker/directory_lock.h"
#include "tests/server/worker/worker_process.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Finished Train(const std::string& output_dir, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train",        "--data_dir", SyntheticDataset(),
                                        "--output_dir", output_dir,   "--json"};
  const std::vector<std::string> tiny = TinyFlags();
  arguments.insert(arguments.end(), tiny.begin(), tiny.end());
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunWorker(arguments);
}

// One line on standard error that names the program.
void ExpectOneLine(const Finished& finished, const std::string& text) {
  EXPECT_THAT(finished.err, StartsWith("deepbindnet-worker: "));
  EXPECT_THAT(finished.err, HasSubstr(text));
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
}

TEST(WorkerTest, GoesTheWholeWayFromSynthesisToComparison) {
  const std::string gated = TestDirectory("gated");
  const Finished training = Train(gated);
  ASSERT_EQ(training.exit_code, 0) << training.err;
  std::vector<nlohmann::json> epochs;
  const std::vector<nlohmann::json> lines = training.Objects();
  for (const auto& line : lines) {
    if (line.contains("epoch")) epochs.push_back(line);
  }
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_EQ(epochs[1]["epoch"], 2);
  EXPECT_GT(epochs[1]["pairs_per_second"].get<double>(), 0.0);
  for (const char* const metric : {"mse", "rmse", "mae", "r2"}) {
    EXPECT_TRUE(epochs[0]["train"][metric].is_number()) << metric;
    EXPECT_TRUE(epochs[0]["val"][metric].is_number()) << metric;
  }
  EXPECT_TRUE(epochs[0]["val"]["ci"].is_number());
  EXPECT_EQ(lines.back()["state"], "SUCCEEDED");
  for (const char* const metric : {"test_mse", "test_rmse", "test_mae", "test_r2", "test_ci", "test_rm2"}) {
    EXPECT_TRUE(lines.back()[metric].is_number()) << metric;
  }

  const std::string standard = TestDirectory("standard");
  ASSERT_EQ(Train(standard, {"--model-type", "standard", "--mixed_precision=false"}).exit_code, 0);

  const std::string predictions = TestDirectory("predictions.csv");
  const Finished evaluation = RunWorker({"evaluate", "--checkpoint", gated + "/best_model.pt", "--data_dir",
                                         SyntheticDataset(), "--predictions", predictions, "--json"});
  ASSERT_EQ(evaluation.exit_code, 0) << evaluation.err;
  const nlohmann::json measured = evaluation.Objects().back();
  EXPECT_EQ(measured["model_type"], "gated");
  EXPECT_NEAR(measured["mse"].get<double>(), lines.back()["test_mse"].get<double>(), 1e-4);
  const auto csv = ReadFile(predictions);
  ASSERT_TRUE(csv.ok());
  EXPECT_THAT(*csv, StartsWith("row,compound_iso_smiles,target_sequence,measured,predicted\n"));
  EXPECT_EQ(std::count(csv->begin(), csv->end(), '\n'), 1 + measured["pairs"].get<int>());

  const std::string report = TestDirectory("comparison");
  const Finished comparison = RunWorker({"compare", "--data_dir", SyntheticDataset(), "--standard_model_dir", standard,
                                         "--gated_model_dir", gated, "--output_dir", report, "--json"});
  ASSERT_EQ(comparison.exit_code, 0) << comparison.err;
  const nlohmann::json compared = comparison.Objects().back();
  EXPECT_EQ(compared["models"][0]["model_type"], "standard");
  EXPECT_EQ(compared["models"][0]["rmse_improvement_percent"], 0.0);
  EXPECT_EQ(compared["models"][1]["model_type"], "gated");
  EXPECT_TRUE(std::filesystem::exists(report + "/report.html"));
}

TEST(WorkerTest, ModelComparedWithItselfImprovesByNothing) {
  const std::string model = TestDirectory("model");
  ASSERT_EQ(Train(model).exit_code, 0);
  const Finished comparison = RunWorker({"compare", "--data_dir", SyntheticDataset(), "--standard_model_dir", model,
                                         "--gated_model_dir", model, "--output_dir", TestDirectory("same"), "--json"});
  ASSERT_EQ(comparison.exit_code, 0) << comparison.err;
  EXPECT_EQ(comparison.Objects().back()["models"][1]["rmse_improvement_percent"], 0.0);
}

TEST(WorkerTest, ReadableLinesShowEachEpochAndTheTestMetrics) {
  const std::string model = TestDirectory("readable");
  std::vector<std::string> arguments = {"train", "--data-dir", SyntheticDataset(), "--output-dir", model};
  for (const std::string& flag : TinyFlags()) arguments.push_back(flag);
  const Finished training = RunWorker(arguments);
  ASSERT_EQ(training.exit_code, 0) << training.err;
  EXPECT_THAT(training.out, HasSubstr("epoch 1/2  loss "));
  EXPECT_THAT(training.out, HasSubstr("epoch 2/2  loss "));
  EXPECT_THAT(training.out, HasSubstr("test: MSE "));
  EXPECT_THAT(training.err, IsEmpty()) << "no progress bar in a pipe";
}

TEST(WorkerTest, PreprocessSaysWhatItFound) {
  const Finished prepared =
      RunWorker({"preprocess", "--input-file", SyntheticCsv(), "--output_dir", TestDirectory("prepared"), "--split",
                 "cold_drug", "--test-size", "0.3", "--seed", "5", "--json"});
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  const nlohmann::json summary = prepared.Objects().back();
  EXPECT_EQ(summary["state"], "SUCCEEDED");
  EXPECT_EQ(summary["rows_read"], 300);
  EXPECT_EQ(summary["test_drugs_in_train"], 0);
  EXPECT_GT(summary["test_pairs"].get<int>(), 0);
}

TEST(WorkerTest, PreprocessShowsWhatTheColdSplitDropsAndWhatTheColumnSays) {
  const Finished cold = RunWorker({"preprocess", "--input-file", SyntheticCsv(), "--output-dir", TestDirectory("cold"),
                                   "--split", "cold_both", "--json"});
  ASSERT_EQ(cold.exit_code, 0) << cold.err;
  const nlohmann::json summary = cold.Objects().back();
  EXPECT_GT(summary["pairs_dropped"].get<int>(), 0);

  const std::string csv = TestDirectory("labels") + "/in.csv";
  WriteTestFile(csv, "smiles,sequence,pKd,fold\nC,MK,5,1\nCC,MK,6,dev\nCCC,MK,7,test\nCCCC,MK,8,1\n");
  const Finished labels = RunWorker(
      {"preprocess", "--input-file", csv, "--output-dir", TestDirectory("by_column"), "--split-column", "fold"});
  ASSERT_EQ(labels.exit_code, 0) << labels.err;
  EXPECT_THAT(labels.out, HasSubstr("0 pairs dropped"));
  EXPECT_THAT(labels.out,
              HasSubstr("column fold: '1' 2 rows (train), 'dev' 1 row (validation), 'test' 1 row (test)\n"));
}

// A DeepDTA folder of six molecules and two proteins; its test fold is the last pairs but one of the last molecules.
std::string MakeFolder(const std::string& name) {
  const std::string folder = TestDirectory(name);
  WriteTestFile(folder + "/ligands_can.txt",
                R"({"a": "CCO", "b": "CCN", "c": "CCC", "d": "c1ccccc1O", "e": "CC(=O)O", "f": "CCCl"})");
  WriteTestFile(folder + "/proteins.txt", R"({"P1": "MKVAWK", "P2": "MKTAYIAK"})");
  WriteTestFile(folder + "/kiba_binding_affinity_v2.txt", "11 12\n11.5 nan\n12 13\n10 11\n11 12.5\n12 13\n");
  WriteTestFile(folder + "/folds/train_fold_setting1.txt", "[[0, 1, 2], [3, 4, 5, 6, 7, 8]]");
  WriteTestFile(folder + "/folds/test_fold_setting1.txt", "[9, 10]");
  return folder;
}

TEST(WorkerTest, AFoldersFoldsAreItsSplitUnlessAnOptionSaysOtherwise) {
  const std::string folder = MakeFolder("folder");
  const Finished folds =
      RunWorker({"preprocess", "--input_file", folder, "--output_dir", TestDirectory("by_folds"), "--val_size", "0.2"});
  ASSERT_EQ(folds.exit_code, 0) << folds.err;
  EXPECT_THAT(folds.out, HasSubstr("affinity in KIBA, higher binds tighter\n"));
  EXPECT_THAT(folds.out, HasSubstr("column fold: '0' 3 rows (train), '1' 6 rows (train), 'test' 2 rows (test)\n"));
  EXPECT_THAT(folds.out, HasSubstr("test in train: 0 pairs, 0 drugs, 2 targets\n"));
  const Finished random = RunWorker({"preprocess", "--input-file", folder, "--output-dir", TestDirectory("by_chance"),
                                     "--split", "random", "--val-size", "0.2", "--json"});
  ASSERT_EQ(random.exit_code, 0) << random.err;
  EXPECT_EQ(random.Objects().back()["split_labels"], nlohmann::json::object());
  EXPECT_EQ(random.Objects().back()["affinity_direction"], "higher");
}

TEST(WorkerTest, FeaturesGoFromTheirFileToTheModelAndItsComparison) {
  const std::string folder = MakeFolder("featured"), data = TestDirectory("with_features");
  const std::string features = TestDirectory("vectors");
  WriteTestFile(features + "/v.txt", "P2\nMKVAWK\n");
  const std::string script =
      "import numpy, sys; numpy.save(sys.argv[1], numpy.array([[0.5, 1, -1], [2, 0, 0.25]], 'f4'))";
  ASSERT_EQ(std::system(("/usr/bin/python3 -c \"" + script + "\" " + features + "/v.npy").c_str()), 0);
  const Finished prepared =
      RunWorker({"preprocess", "--input-file", folder, "--output-dir", data, "--protein_features", features + "/v.npy",
                 "--val-size", "0.2", "--affinity_direction", "lower", "--json"});
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  EXPECT_EQ(prepared.Objects().back()["protein_feature_dim"], 3);
  EXPECT_EQ(prepared.Objects().back()["affinity_direction"], "lower");

  const auto train = [&data](const std::string& name, const std::vector<std::string>& more) {
    const std::string model = TestDirectory(name);
    std::vector<std::string> arguments = {"train", "--data_dir", data, "--output_dir", model};
    for (const std::string& flag : TinyFlags()) arguments.push_back(flag);
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished finished = RunWorker(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return model;
  };
  const std::string gated = train("featured_gated", {}),
                    standard = train("featured_standard", {"--model-type", "standard"});
  const Finished comparison =
      RunWorker({"compare", "--data_dir", data, "--standard_model_dir", standard, "--gated_model_dir", gated,
                 "--output_dir", TestDirectory("compared"), "--json"});
  EXPECT_EQ(comparison.exit_code, 0) << comparison.err;
  EXPECT_EQ(RunWorker({"evaluate", "--checkpoint", gated + "/best_model.pt", "--data_dir", data}).exit_code, 0);

  WriteTestFile(features + "/v.txt", "P2\nP3\n");
  const Finished missing = RunWorker({"preprocess", "--input-file", folder, "--output-dir", data, "--protein-features",
                                      features + "/v.npy", "--val-size", "0.2"});
  EXPECT_EQ(missing.exit_code, 1);
  ExpectOneLine(missing, "protein 'MKVAWK' (6 residues) has no vector of features");
}

TEST(WorkerTest, SigtermStopsTrainingWithItsOwnExitCode) {
  const std::string model = TestDirectory("stopped");
  std::vector<std::string> arguments = {"train", "--data_dir", SyntheticDataset(), "--output_dir", model};
  for (const std::string& flag : TinyFlags()) arguments.push_back(flag);
  arguments.insert(arguments.end(), {"--patience", "0"});
  *(std::find(arguments.begin(), arguments.end(), "--num_epochs") + 1) = "100000";
  std::filesystem::create_directories(model);
  const int news = inotify_init1(IN_CLOEXEC);
  ASSERT_GE(inotify_add_watch(news, model.c_str(), IN_CREATE), 0);
  const pid_t child = StartWorker(arguments, -1);
  // The lock comes first: after the signals are handled and before anything takes time.
  pollfd waiting = {news, POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, /*timeout=*/60000), 1);
  close(news);
  EXPECT_TRUE(std::filesystem::exists(model + "/.lock"));
  kill(child, SIGTERM);
  EXPECT_EQ(Wait(child), 75);
}

TEST(WorkerTest, ResumeOfAFinishedTrainingTrainsNothingMore) {
  const std::string model = TestDirectory("resumed");
  const Finished first = Train(model);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const Finished resumed = Train(model, {"--resume"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("resumed after epoch 2"));
  EXPECT_EQ(resumed.Objects().back()["epochs_run"], 2);
  EXPECT_EQ(resumed.Objects().back()["digest"], first.Objects().back()["digest"]);
}

TEST(WorkerTest, DirectoryThatAnotherWorkerWritesIsRefused) {
  const std::string model = TestDirectory("locked");
  const auto lock = LockDirectory(model);
  ASSERT_TRUE(lock.ok()) << lock.status();
  const Finished training = Train(model);
  EXPECT_EQ(training.exit_code, 1);
  ExpectOneLine(training, "is being written by another worker");
  EXPECT_EQ(training.Objects().back()["state"], "FAILED");
  EXPECT_EQ(training.Objects().back()["reason"], "DIRECTORY_IN_USE");
}

struct WrongUsage {
  const char* name;
  std::vector<std::string> arguments;
  const char* message;
};

void PrintTo(const WrongUsage& usage, std::ostream* out) { *out << usage.name; }

class WrongUsageTest : public testing::TestWithParam<WrongUsage> {};

TEST_P(WrongUsageTest, EndsWithExitCode2AndOneLine) {
  const Finished finished = RunWorker(GetParam().arguments);
  EXPECT_EQ(finished.exit_code, 2);
  ExpectOneLine(finished, GetParam().message);
  EXPECT_THAT(finished.out, IsEmpty());
}

std::vector<std::string> TrainWith(const std::string& option, const std::string& value) {
  return {"train", "--data_dir", "d", "--output_dir", "/nonexistent/o", option, value};
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongUsageTest,
    testing::Values(
        WrongUsage{"NoCommand", {}, "A subcommand is required"},
        WrongUsage{"UnknownOption", TrainWith("--learning_rate", "1"), "--learning-rate"},
        WrongUsage{"MissingOption", {"train", "--data_dir", "d"}, "--output-dir is required"},
        WrongUsage{"NotANumber", TrainWith("--lr", "fast"), "--lr: 'fast' is not a number"},
        WrongUsage{"NegativeCount", TrainWith("--batch_size", "-3"), "--batch-size: '-3' is not a whole number"},
        WrongUsage{"OutOfRange", TrainWith("--dropout_rate", "0.95"), "dropout_rate: 0.95 is not in"},
        WrongUsage{"TokenSize", TrainWith("--residues-per-token", "12"), "residues_per_token: 12 is not 8, 16 or 32"},
        WrongUsage{"GraphLayers", TrainWith("--drug_layers", "0"), "drug_layers: 0 is not in [1, 16]"},
        WrongUsage{"SequenceLength", TrainWith("--max_sequence_length", "20000"),
                   "max_sequence_length: 20000 is not in [1, 10000]"},
        WrongUsage{"UnknownType", TrainWith("--model-type", "magic"),
                   "--model-type: 'magic' is not one of gated|standard"},
        WrongUsage{"TooManyProcesses", TrainWith("--num-processes", "1025"), "num_processes"},
        WrongUsage{"UnknownDevice", TrainWith("--device", "tpu"), "--device: tpu is none of auto, cpu"},
        WrongUsage{"SplitSize",
                   {"preprocess", "--input_file", "f", "--output_dir", "/nonexistent/o", "--test_size", "2"},
                   "test_size: 2"},
        WrongUsage{"UnknownPart", {"evaluate", "--checkpoint", "c", "--data_dir", "d", "--split", "all"}, "all"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(WorkerTest, UnreadableCsvFailsWithOneLine) {
  const Finished missing =
      RunWorker({"preprocess", "--input_file", "/nonexistent.csv", "--output_dir", TestDirectory("missing")});
  EXPECT_EQ(missing.exit_code, 1);
  ExpectOneLine(missing, "/nonexistent.csv");

  const std::string garbage = TestDirectory("garbage.csv");
  ASSERT_TRUE(WriteFileAtomically(garbage, "a,b\n1,2\n").ok());
  const Finished unreadable =
      RunWorker({"preprocess", "--input_file", garbage, "--output_dir", TestDirectory("garbage")});
  EXPECT_EQ(unreadable.exit_code, 1);
  ExpectOneLine(unreadable, "column");
}

TEST(WorkerTest, MissingDataSetAndCheckpointFailWithOneLine) {
  const Finished training =
      RunWorker({"train", "--data_dir", "/nonexistent", "--output_dir", TestDirectory("no_data")});
  EXPECT_EQ(training.exit_code, 1);
  ExpectOneLine(training, "/nonexistent");
  const Finished evaluation =
      RunWorker({"evaluate", "--checkpoint", "/nonexistent.pt", "--data_dir", SyntheticDataset()});
  EXPECT_EQ(evaluation.exit_code, 1);
  ExpectOneLine(evaluation, "/nonexistent.pt");
}

TEST(WorkerTest, UnwritableOutputFailsWithOneLine) {
  const Finished finished = RunWorker({"synthesize", "--out", "/nonexistent/demo.csv", "--pairs", "100"});
  EXPECT_EQ(finished.exit_code, 1);
  ExpectOneLine(finished, "/nonexistent/demo.csv");
}

TEST(WorkerTest, OptionsOfTheNetworkReachTheCheckpoint) {
  const std::string model = TestDirectory("network");
  ASSERT_EQ(
      Train(model, {"--members", "2", "--drug_layers", "3", "--residues-per-token", "8", "--max_sequence_length=9000",
                    "--gate-kind", "head", "--gate_initial_bias", "-2", "--loss", "log_cosh"})
          .exit_code,
      0);
  const auto best = ReadFile(model + "/best_model.pt");  // Its configuration stands there as plain text.
  ASSERT_TRUE(best.ok()) << best.status();
  for (const char* const option :
       {"\"members\":2", "\"drug_layers\":3", "\"residues_per_token\":8", "\"max_sequence_length\":9000",
        "\"gate_kind\":\"head\"", "\"gate_initial_bias\":-2.0", "\"loss\":\"log_cosh\""}) {
    EXPECT_THAT(*best, HasSubstr(option));
  }
}

TEST(WorkerTest, DataWithALongerProteinThanTheModelTakesFailWithOneLine) {
  const Finished finished = Train(TestDirectory("too_long"), {"--max_sequence_length", "5"});
  EXPECT_EQ(finished.exit_code, 1);
  ExpectOneLine(finished, "this model takes at most 5 (max_sequence_length); give the part that binds");
  EXPECT_EQ(finished.Objects().back()["reason"], "SEQUENCE_TOO_LONG");
}

TEST(WorkerTest, HelpOfEveryCommandGoesToStandardOutput) {
  for (const char* const command : {"synthesize", "preprocess", "train", "evaluate", "predict", "compare", "run"}) {
    const Finished help = RunWorker({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr(absl::StrCat("deepbindnet-worker ", command))) << command;
    EXPECT_THAT(help.err, IsEmpty()) << command;
  }
  const std::string train = RunWorker({"train", "--help"}).out;
  for (const char* const range : {"1..65536", "1..16 [2]", "8, 16 or 32", "1..10000 [10000]"}) {
    EXPECT_THAT(train, HasSubstr(range));
  }
}

// How often the program is loaded: libgomp prints its settings each time.
int Loads(const Environment& environment) {
  const std::string err = RunWorker({"--help"}, environment).err;
  int count = 0;
  for (size_t at = err.find("BEGIN"); at != std::string::npos; at = err.find("BEGIN", at + 1)) ++count;
  return count;
}

TEST(PrepareProcessTest, StartsAnewOnceAndOnlyWhereTheWaitPolicyIsOpen) {
  EXPECT_EQ(Loads({{"OMP_DISPLAY_ENV", "true"}, {"OMP_WAIT_POLICY", ""}}), 2);
  EXPECT_EQ(Loads({{"OMP_DISPLAY_ENV", "true"}, {"OMP_WAIT_POLICY", "ACTIVE"}}), 1);
}

}  // namespace
}  // namespace deepbindnet
