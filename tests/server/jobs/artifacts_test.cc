#include "server/jobs/artifacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "server/jobs/worker_task.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ArtifactsTest : public ::testing::Test {
 protected:
  ArtifactsTest() {
    train_.set_id("job-t");
    train_.set_state(v1::SUCCEEDED);
    train_.mutable_spec()->mutable_train()->set_model("m");
    prepare_.set_id("job-p");
    prepare_.set_state(v1::SUCCEEDED);
    prepare_.mutable_spec()->mutable_prepare_dataset()->set_dataset("d");
  }

  const TempDir dir_;
  const DataLayout layout_{dir_.path()};
  v1::Job train_;
  v1::Job prepare_;
};

TEST_F(ArtifactsTest, OfATrainingAreTheFilesUnderItsModel) {
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "x");
  WriteTestFile(layout_.ModelDir("m") + "/logs/events", "x");
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt.abc.unfinished", "x");
  WriteTestFile(layout_.ModelDir("m") + "/.lock", "");
  WriteTestFile(dir_ / "secret", "x");
  std::filesystem::create_symlink(dir_ / "secret", layout_.ModelDir("m") + "/link");
  EXPECT_THAT(ListArtifacts(layout_, train_), ElementsAre("best_model.pt", "logs/events"));
}

TEST_F(ArtifactsTest, OfADatasetAreManifestAndRejectedRows) {
  WriteTestFile(layout_.DatasetDir("d") + "/manifest.json", "x");
  WriteTestFile(layout_.DatasetDir("d") + "/entities.pt", "x");
  EXPECT_THAT(ListArtifacts(layout_, prepare_), ElementsAre("manifest.json"));
  WriteTestFile(layout_.DatasetDir("d") + "/rejected.csv", "x");
  EXPECT_THAT(ListArtifacts(layout_, prepare_), ElementsAre("manifest.json", "rejected.csv"));
}

TEST_F(ArtifactsTest, AreNoneWithoutADirectory) { EXPECT_THAT(ListArtifacts(layout_, train_), IsEmpty()); }

TEST_F(ArtifactsTest, PathIsOnlyForEntriesOfTheList) {
  train_.add_artifacts("best_model.pt");
  train_.add_artifacts("logs/events");
  ASSERT_OK_AND_ASSIGN(const std::string path, ArtifactPath(layout_, train_, "logs/events"));
  EXPECT_EQ(path, layout_.ModelDir("m") + "/logs/events");
  for (const char* other : {"", "logs", "../m/best_model.pt", "./best_model.pt", "/etc/passwd", "Best_model.pt"}) {
    EXPECT_THAT(ArtifactPath(layout_, train_, other),
                IsError(absl::StatusCode::kNotFound, "ARTIFACT_NOT_FOUND", "it has: best_model.pt, logs/events"));
  }
}

TEST_F(ArtifactsTest, PathOfAJobWithoutAnySaysItsState) {
  train_.set_state(v1::RUNNING);
  EXPECT_THAT(ArtifactPath(layout_, train_, "best_model.pt"),
              IsError(absl::StatusCode::kNotFound, "ARTIFACT_NOT_FOUND", "it is RUNNING and has none"));
}

TEST_F(ArtifactsTest, NothingIsKeptOfATrainingThatIsNotWorthIt) {
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "x");
  train_.set_state(v1::CANCELLED);
  EXPECT_THAT(KeepOutput(layout_, train_, /*keep_training=*/false), IsEmpty());
  RemoveOutput(layout_, train_);
  EXPECT_FALSE(std::filesystem::exists(layout_.ModelDir("m")));
}

TEST_F(ArtifactsTest, WhatIsKeptOfATrainingIsItsJobsAndNotItsNames) {
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "old");
  WriteTestFile(layout_.ModelDir("m") + "/logs/events", "x");
  WriteTestFile(layout_.ModelDir("m") + "/.lock", "");
  train_.set_state(v1::FAILED);
  for (int time = 0; time < 2; ++time) {  // May be done again after a crash.
    EXPECT_THAT(KeepOutput(layout_, train_, /*keep_training=*/true),
                ElementsAre("latest_checkpoint.pt", "logs/events"));
  }
  EXPECT_TRUE(std::filesystem::exists(layout_.ModelDir("m") + "/latest_checkpoint.pt"));
  RemoveOutput(layout_, train_);
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "another training's");
  SetArtifacts({"latest_checkpoint.pt"}, &train_);
  ASSERT_OK_AND_ASSIGN(const std::string path, ArtifactPath(layout_, train_, "latest_checkpoint.pt"));
  EXPECT_EQ(std::filesystem::file_size(path), 3);
}

TEST_F(ArtifactsTest, TheRejectedRowsOfADatasetAreKept) {
  WriteTestFile(layout_.DatasetDir("d") + "/rejected.csv", "why");
  prepare_.set_state(v1::FAILED);
  EXPECT_THAT(KeepOutput(layout_, prepare_, /*keep_training=*/false), ElementsAre("rejected.csv"));
  RemoveOutput(layout_, prepare_);
  EXPECT_FALSE(std::filesystem::exists(layout_.DatasetDir("d")));
  SetArtifacts({"rejected.csv"}, &prepare_);
  ASSERT_OK_AND_ASSIGN(const std::string path, ArtifactPath(layout_, prepare_, "rejected.csv"));
  EXPECT_EQ(std::filesystem::file_size(path), 3);
  EXPECT_THAT(KeepOutput(layout_, prepare_, /*keep_training=*/false), ElementsAre("rejected.csv"));
}

TEST(WorkerTaskTest, InputKeepsAPlainFileNameOnly) {
  const DataLayout layout{"/data"};
  v1::Job job;
  job.set_id("job-a");
  v1::PrepareDatasetSpec& spec = *job.mutable_spec()->mutable_prepare_dataset();
  spec.set_file_name("KIBA-2.csv.gz");
  EXPECT_EQ(InputFile(layout, job), "/data/jobs/job-a/input/KIBA-2.csv.gz");
  for (const std::string& name : {std::string(), std::string("../x"), std::string("/etc/passwd"), std::string(".."),
                                  std::string("a b"), std::string(129, 'a'), std::string("a\0b", 3)}) {
    spec.set_file_name(name);
    EXPECT_EQ(InputFile(layout, job), "/data/jobs/job-a/input/upload") << name;
  }
}

TEST(WorkerTaskTest, ComparisonNamesEveryCheckpoint) {
  v1::Job job;
  job.set_id("job-a");
  job.mutable_spec()->mutable_compare()->set_dataset("d");
  job.mutable_spec()->mutable_compare()->add_models("x");
  job.mutable_spec()->mutable_compare()->add_models("y");
  const v1::WorkerTask task = MakeWorkerTask(DataLayout{"/data"}, job, /*resume=*/true);
  EXPECT_EQ(task.dataset_dir(), "/data/datasets/d");
  EXPECT_EQ(task.output_dir(), "/data/comparisons/job-a");
  EXPECT_THAT(task.checkpoints(), ElementsAre("/data/models/x/best_model.pt", "/data/models/y/best_model.pt"));
  EXPECT_FALSE(task.resume());  // A comparison begins anew.
}

}  // namespace
}  // namespace deepbindnet
