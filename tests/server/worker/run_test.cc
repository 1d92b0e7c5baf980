// The worker as the server runs it: a task file, a pipe of events, signals.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file_descriptor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/worker/worker_process.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

v1::WorkerTask TrainTask(const std::string& output_dir) {
  v1::WorkerTask task;
  v1::TrainSpec* const spec = task.mutable_spec()->mutable_train();
  spec->set_model("model");
  spec->set_dataset("synthetic");
  MakeTiny(spec->mutable_options());
  task.set_dataset_dir(SyntheticDataset());
  task.set_output_dir(output_dir);
  return task;
}

// A training that goes on until it is stopped.
v1::WorkerTask EndlessTask(const std::string& output_dir) {
  v1::WorkerTask task = TrainTask(output_dir);
  task.mutable_spec()->mutable_train()->mutable_options()->set_num_epochs(100000);
  task.mutable_spec()->mutable_train()->mutable_options()->set_patience(0);
  return task;
}

// Reads up to the next epoch; 0 where the events end first.
uint32_t NextEpoch(TaskProcess* process) {
  for (v1::WorkerEvent event; process->Next(&event);) {
    if (event.has_epoch()) return event.epoch().epoch();
  }
  return 0;
}

TEST(RunTest, PreparesADatasetAndEndsWithItsSummary) {
  v1::WorkerTask task;
  v1::PrepareDatasetSpec* const spec = task.mutable_spec()->mutable_prepare_dataset();
  spec->set_dataset("demo");
  spec->mutable_split()->set_test_size(0.25);
  task.set_input_file(SyntheticCsv());
  task.set_dataset_dir(TestDirectory("dataset"));
  TaskProcess process(task);
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 0);
  ASSERT_FALSE(events.empty());
  const v1::DatasetSummary& summary = events.back().result().dataset();
  EXPECT_EQ(summary.rows_read(), 300u);
  EXPECT_NEAR(static_cast<double>(summary.test_pairs()), 75.0, 2.0);
  EXPECT_GT(summary.affinity_sd(), 0.0);
  EXPECT_EQ(summary.affinity_unit(), "pKd");
  EXPECT_EQ(summary.digest().size(), 64u);
  EXPECT_TRUE(events.front().has_progress());
}

TEST(RunTest, PreparationLogsTheLabelsOfTheSplitColumnAndCountsMolecules) {
  const std::string csv = TestDirectory("labelled") + "/in.csv";
  WriteTestFile(csv, "smiles,sequence,pKd,fold\nC,MK,5,1\nCC,MK,6,val\nCCC,MK,7,test\n");
  v1::WorkerTask task;
  v1::PrepareDatasetSpec* const spec = task.mutable_spec()->mutable_prepare_dataset();
  spec->set_dataset("demo");
  spec->mutable_split()->set_split_column("fold");
  task.set_input_file(csv);
  task.set_dataset_dir(TestDirectory("dataset"));
  TaskProcess process(task);
  std::string log;
  std::string unit;
  for (const v1::WorkerEvent& event : process.Rest()) {
    if (event.has_log()) log += event.log().text();
    if (event.progress().phase() == "featurising") unit = event.progress().unit();
  }
  EXPECT_EQ(process.Finish(), 0);
  EXPECT_EQ(log, "column fold: '1' 1 row (train), 'test' 1 row (test), 'val' 1 row (validation)");
  EXPECT_EQ(unit, "molecules");
}

TEST(RunTest, TrainsAndReportsEveryEpochBeforeTheResult) {
  TaskProcess process(TrainTask(TestDirectory("train")));
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 0);
  std::vector<uint32_t> epochs;
  for (const v1::WorkerEvent& event : events) {
    if (event.has_epoch()) epochs.push_back(event.epoch().epoch());
  }
  EXPECT_EQ(epochs, (std::vector<uint32_t>{1, 2}));
  ASSERT_TRUE(events.back().result().has_training());
  const v1::TrainingResult& result = events.back().result().training();
  EXPECT_EQ(result.epochs_run(), 2u);
  EXPECT_EQ(result.test().pairs(), 60u);
  EXPECT_EQ(result.digest().size(), 64u);
  EXPECT_TRUE(std::filesystem::exists(TestDirectory("train") + "/best_model.pt"));
}

TEST(RunTest, ComparesModels) {
  const std::string first = TestDirectory("first");
  TaskProcess training(TrainTask(first));
  training.Rest();
  ASSERT_EQ(training.Finish(), 0);
  v1::WorkerTask task;
  task.mutable_spec()->mutable_compare()->add_models("a");
  task.mutable_spec()->mutable_compare()->add_models("b");
  task.mutable_spec()->mutable_compare()->set_dataset("synthetic");
  task.set_dataset_dir(SyntheticDataset());
  task.set_output_dir(TestDirectory("comparison"));
  task.add_checkpoints(first + "/best_model.pt");
  task.add_checkpoints(first + "/best_model.pt");
  TaskProcess process(task);
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 0);
  ASSERT_FALSE(events.empty());
  const v1::ComparisonResult& result = events.back().result().comparison();
  ASSERT_EQ(result.models_size(), 2);
  EXPECT_EQ(result.dataset(), "synthetic");
  EXPECT_EQ(result.models(1).model(), "b");
  EXPECT_EQ(result.models(1).rmse_improvement_percent(), 0.0);
  EXPECT_TRUE(std::filesystem::exists(TestDirectory("comparison") + "/report.html"));
}

TEST(RunTest, FailureIsTheLastEventAndExitCode1) {
  v1::WorkerTask task = TrainTask(TestDirectory("failure"));
  task.set_dataset_dir("/nonexistent");
  TaskProcess process(task);
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 1);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().error().reason(), "NOT_FOUND");
  EXPECT_THAT(events.back().error().message(), HasSubstr("data set synthetic: holds no data set"));
  EXPECT_THAT(events.back().error().message(), Not(HasSubstr("/nonexistent")));
}

TEST(RunTest, FailedPreparationNamesTheFileAsTheClientDid) {
  v1::WorkerTask task;
  task.mutable_spec()->mutable_prepare_dataset()->set_file_name("KIBA.csv");
  task.set_input_file("/nonexistent/upload-1");
  task.set_dataset_dir(TestDirectory("failed_preparation"));
  TaskProcess process(task);
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 1);
  ASSERT_FALSE(events.empty());
  EXPECT_THAT(events.back().error().message(), HasSubstr("KIBA.csv"));
  EXPECT_THAT(events.back().error().message(), Not(HasSubstr("upload-1")));
}

TEST(RunTest, FailedPreparationNamesItsRejectedRowsByArtifactAndCommand) {
  const std::string directory = TestDirectory("rejected");
  const std::string csv = directory + ".csv";
  std::ofstream(csv) << "smiles,sequence,affinity\nnonsense(,MKV,1\nCC,MKV,2\n";
  v1::WorkerTask task;
  task.mutable_spec()->mutable_prepare_dataset()->set_dataset("demo");
  task.set_input_file(csv);
  task.set_dataset_dir(directory);
  TaskProcess process(task);
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 1);
  ASSERT_FALSE(events.empty());
  const std::string message = events.back().error().message();
  EXPECT_THAT(message, HasSubstr("rejected.csv; get it with `deepbindnet jobs download demo`"));
  EXPECT_THAT(message, Not(HasSubstr(directory)));
}

TEST(RunTest, TaskThatIsIncompleteIsAnError) {
  TaskProcess process{v1::WorkerTask()};
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].error().reason(), "INVALID_FIELD");
}

TEST(RunTest, SigtermStopsATrainingThatResumesAfterItsLastEpoch) {
  const std::string directory = TestDirectory("stopped");
  v1::WorkerTask task = EndlessTask(directory);
  uint32_t last_epoch = 0;
  {
    TaskProcess process(task);
    ASSERT_EQ(NextEpoch(&process), 1u);
    process.Signal(SIGTERM);
    last_epoch = 1;
    for (const v1::WorkerEvent& event : process.Rest()) {
      if (event.has_epoch()) last_epoch = event.epoch().epoch();
      EXPECT_FALSE(event.has_result() || event.has_error());
    }
    EXPECT_EQ(process.Finish(), 75);
  }
  task.set_resume(true);
  TaskProcess resumed(task);
  // Finished epochs are told again, for a reader that missed one in a crash; then it goes on where it stopped.
  std::vector<uint32_t> epochs;
  bool has_resumed = false;
  for (v1::WorkerEvent event; epochs.size() <= last_epoch && resumed.Next(&event);) {
    if (event.has_epoch()) epochs.push_back(event.epoch().epoch());
    has_resumed |= absl::StartsWith(event.log().text(), absl::StrCat("resumed after epoch ", last_epoch));
  }
  EXPECT_TRUE(has_resumed);
  ASSERT_FALSE(epochs.empty());
  EXPECT_EQ(epochs.back(), last_epoch + 1);
  resumed.Signal(SIGTERM);
  resumed.Rest();
  EXPECT_EQ(resumed.Finish(), 75);
}

TEST(RunTest, StopsWhenNobodyReadsItsEventsAnyMore) {
  TaskProcess process(EndlessTask(TestDirectory("unread")));
  ASSERT_EQ(NextEpoch(&process), 1u);
  EXPECT_EQ(process.Finish(), 75);  // Closes the pipe first.
}

TEST(RunTest, RefusesToStartWithoutAReader) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  close(ends[0]);
  const std::string task = WriteTask(EndlessTask(TestDirectory("orphan")));
  EXPECT_EQ(Wait(StartWorker({"run", "--task", task, "--events-fd", absl::StrCat(ends[1])}, ends[1])), 1);
  close(ends[1]);
  EXPECT_FALSE(std::filesystem::exists(TestDirectory("orphan")));
}

TEST(RunTest, DiesWithTheProcessThatStartedIt) {
  const std::string directory = TestDirectory("parent");
  const std::string task = WriteTask(EndlessTask(directory));
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    StartWorker({"run", "--task", task, "--events-fd", absl::StrCat(ends[1])}, ends[1]);
    close(ends[1]);
    while (true) pause();
  }
  close(ends[1]);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1) << "the worker's first event";
  kill(parent, SIGKILL);
  EXPECT_EQ(Wait(parent), 128 + SIGKILL);
  // The pipe ends when the last process that can write to it has gone.
  char rest[4096];
  while (read(ends[0], rest, sizeof rest) > 0) continue;
  close(ends[0]);
  // So does its lock, perhaps a moment later.
  const FileDescriptor lock(open((directory + "/.lock").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(flock(lock.get(), LOCK_EX), 0);
}

}  // namespace
}  // namespace deepbindnet
