#include "server/jobs/artifacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

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

TEST_F(ArtifactsTest, OfATrainingThatWroteNothingNothingIsKept) {
  WriteTestFile(layout_.ModelDir("m") + "/.lock", "");
  ASSERT_OK_AND_ASSIGN(const auto kept, KeepOutput(layout_, train_));
  EXPECT_THAT(kept, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(layout_.JobDir("job-t")));
  RemoveOutput(layout_, train_);
  EXPECT_FALSE(std::filesystem::exists(layout_.ModelDir("m")));
  ASSERT_OK_AND_ASSIGN(const auto again, KeepOutput(layout_, train_));
  EXPECT_THAT(again, IsEmpty());
}

TEST_F(ArtifactsTest, AnErrorNamesWhatCannotBeKept) {
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "half");
  WriteTestFile(layout_.JobDir("job-t") + "/output", "a file in the way");
  EXPECT_THAT(KeepOutput(layout_, train_),
              IsError(absl::StatusCode::kInternal, "INTERNAL", layout_.JobDir("job-t") + "/output"));
}

TEST_F(ArtifactsTest, ListsTheOutputsOfAllKinds) {
  EXPECT_THAT(ListOutputs(layout_), IsEmpty());
  WriteTestFile(layout_.DatasetDir("d") + "/manifest.json", "x");
  WriteTestFile(layout_.ModelDir("m") + "/best_model.pt", "x");
  WriteTestFile(layout_.ComparisonDir("job-c") + "/report.html", "x");
  EXPECT_THAT(ListOutputs(layout_),
              ElementsAre(layout_.DatasetDir("d"), layout_.ModelDir("m"), layout_.ComparisonDir("job-c")));
}

TEST_F(ArtifactsTest, WhatIsKeptOfATrainingIsItsJobsAndNotItsNames) {
  WriteTestFile(layout_.ModelDir("m") + "/latest_checkpoint.pt", "old");
  WriteTestFile(layout_.ModelDir("m") + "/logs/events", "x");
  WriteTestFile(layout_.ModelDir("m") + "/.lock", "");
  train_.set_state(v1::FAILED);
  for (int time = 0; time < 2; ++time) {  // May be done again after a crash.
    ASSERT_OK_AND_ASSIGN(const auto kept, KeepOutput(layout_, train_));
    EXPECT_THAT(kept, ElementsAre("latest_checkpoint.pt", "logs/events"));
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
  ASSERT_OK_AND_ASSIGN(const auto kept, KeepOutput(layout_, prepare_));
  EXPECT_THAT(kept, ElementsAre("rejected.csv"));
  RemoveOutput(layout_, prepare_);
  EXPECT_FALSE(std::filesystem::exists(layout_.DatasetDir("d")));
  SetArtifacts({"rejected.csv"}, &prepare_);
  ASSERT_OK_AND_ASSIGN(const std::string path, ArtifactPath(layout_, prepare_, "rejected.csv"));
  EXPECT_EQ(std::filesystem::file_size(path), 3);
  ASSERT_OK_AND_ASSIGN(const auto again, KeepOutput(layout_, prepare_));
  EXPECT_THAT(again, ElementsAre("rejected.csv"));
}

}  // namespace
}  // namespace deepbindnet
