// Deleting jobs, data sets and models.
#include <filesystem>

#include "server/jobs/deletion.h"
#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

bool Exists(const std::string& path) { return std::filesystem::exists(path); }

class DeleteTest : public TrainingTest {
 protected:
  // Nothing that is being deleted is left aside.
  bool NothingAside() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(layout_.DeletedDir())) {
      if (!entry.is_directory() || entry.path().parent_path() != layout_.DeletedDir()) return false;
    }
    return true;
  }
};

TEST_F(DeleteTest, AnEndedJobGoesWithItsJournalAndFiles) {
  const auto worker = StartTraining();
  worker->EmitError("INVALID_FIELD", "no");
  worker->Exit(1);
  ASSERT_TRUE(AwaitState(id_, v1::FAILED));
  ASSERT_TRUE(Exists(layout_.JobDir(id_)));
  ASSERT_THAT(engine_->Delete("m"), IsOk());
  EXPECT_THAT(engine_->Get(id_), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", id_));
  EXPECT_THAT(engine_->ReadEvents(id_, 1, 10), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", id_));
  EXPECT_FALSE(Exists(layout_.JobDir(id_)));
  EXPECT_TRUE(NothingAside());
  EXPECT_THAT(engine_->Delete(id_), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", id_));
}

TEST_F(DeleteTest, AJobThatHasNotEndedStays) {
  StartTraining();
  const std::string waiting = Submit(Training("waiting"));
  EXPECT_THAT(engine_->Delete(id_), IsError(absl::StatusCode::kFailedPrecondition, "JOB_NOT_ENDED", "is RUNNING"));
  EXPECT_THAT(engine_->Delete(waiting), IsError(absl::StatusCode::kFailedPrecondition, "JOB_NOT_ENDED", "is QUEUED"));
}

TEST_F(DeleteTest, AJobStaysWhileWhatItMadeIsThere) {
  MakeModel("m");
  EXPECT_THAT(engine_->Delete("m"), IsError(absl::StatusCode::kFailedPrecondition, "IN_USE", "the model \"m\""));
  EXPECT_THAT(engine_->Delete("kiba"),
              IsError(absl::StatusCode::kFailedPrecondition, "IN_USE", "the data set \"kiba\""));
  ASSERT_THAT(engine_->DeleteModel("m"), IsOk());
  ASSERT_THAT(engine_->DeleteDataset("kiba"), IsOk());
  EXPECT_THAT(engine_->Delete("m"), IsOk());
  EXPECT_THAT(engine_->Delete("kiba"), IsOk());
}

TEST_F(DeleteTest, AJobStaysWhereNobodyKnowsWhetherWhatItMadeIsThere) {
  MakeModel("m");
  faulty_store_->FailGetModel(absl::DataLossError("damaged"));
  EXPECT_THAT(engine_->Delete("m"), IsError(absl::StatusCode::kDataLoss, "DATA_LOSS", "damaged"));
  EXPECT_EQ(Get("m").state(), v1::SUCCEEDED);
}

TEST_F(DeleteTest, AModelGoesWithItsFilesAndItsNameIsFree) {
  MakeModel("m");
  const std::string id = Get("m").id();
  ASSERT_THAT(Get("m").artifacts(), Not(IsEmpty()));
  ASSERT_THAT(engine_->DeleteModel("m"), IsOk());
  EXPECT_FALSE(Exists(layout_.ModelDir("m")));
  EXPECT_TRUE(NothingAside());
  EXPECT_THAT(store_->GetModel("m"), IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "m"));
  EXPECT_EQ(Get(id).state(), v1::SUCCEEDED);  // Its history stays.
  EXPECT_THAT(Get(id).artifacts(), IsEmpty());
  EXPECT_THAT(engine_->DeleteModel("m"), IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "m"));
  MakeModel("m");
  EXPECT_TRUE(Exists(layout_.Checkpoint("m")));
}

TEST_F(DeleteTest, ADataSetStaysWhileAJobUsesIt) {
  const auto worker = StartTraining();
  EXPECT_THAT(engine_->DeleteDataset("kiba"),
              IsError(absl::StatusCode::kFailedPrecondition, "IN_USE", absl::StrCat("job ", id_, " (RUNNING)")));
  EXPECT_TRUE(Exists(layout_.DatasetDir("kiba")));
  worker->EmitResult(TrainingResult());
  worker->Exit(0);
  ASSERT_TRUE(AwaitState(id_, v1::SUCCEEDED));
  EXPECT_THAT(engine_->DeleteDataset("kiba"), IsOk());
  EXPECT_FALSE(Exists(layout_.DatasetDir("kiba")));
  EXPECT_THAT(store_->GetModel("m"), IsOk());
}

TEST_F(DeleteTest, AModelStaysWhileAComparisonUsesIt) {
  MakeModel("a");
  MakeModel("b");
  StartTraining();
  JobSubmission submission;
  submission.spec.mutable_compare()->add_models("a");
  submission.spec.mutable_compare()->add_models("b");
  submission.spec.mutable_compare()->set_dataset("kiba");
  const std::string comparison = Submit(submission);
  EXPECT_THAT(engine_->DeleteModel("b"), IsError(absl::StatusCode::kFailedPrecondition, "IN_USE", comparison));
  EXPECT_THAT(engine_->DeleteDataset("kiba"), IsError(absl::StatusCode::kFailedPrecondition, "IN_USE", "in use by"));
  ASSERT_THAT(engine_->Cancel(comparison), IsOk());
  EXPECT_THAT(engine_->DeleteModel("b"), IsOk());
}

TEST_F(DeleteTest, WhatTheStoreDoesNotForgetKeepsItsFiles) {
  MakeModel("m");
  faulty_store_->FailWrites(absl::InternalError("no"), 1);
  EXPECT_THAT(engine_->DeleteModel("m"), IsError(absl::StatusCode::kInternal, "INTERNAL", "no"));
  EXPECT_TRUE(Exists(layout_.Checkpoint("m")));
}

TEST_F(DeleteTest, ACrashBeforeTheRecordIsDeletedPutsTheFilesBack) {
  MakeModel("m");
  ASSERT_THAT(SetAside(layout_, layout_.ModelDir("m")), IsOk());
  ASSERT_FALSE(Exists(layout_.Checkpoint("m")));
  Reopen();
  EXPECT_TRUE(Exists(layout_.Checkpoint("m")));
}

TEST_F(DeleteTest, ACrashAfterThatRemovesThem) {
  MakeModel("m");
  const std::string job = Get("m").id();
  for (const std::string& directory : {layout_.ModelDir("m"), layout_.DatasetDir("kiba"), layout_.JobDir(job)}) {
    ASSERT_THAT(SetAside(layout_, directory), IsOk());
  }
  ASSERT_THAT(store_->DeleteModel("m"), IsOk());
  ASSERT_THAT(store_->DeleteDataset("kiba"), IsOk());
  ASSERT_THAT(store_->DeleteJob(job), IsOk());
  Reopen();
  EXPECT_TRUE(NothingAside());
  EXPECT_FALSE(Exists(layout_.ModelDir("m")));
  EXPECT_FALSE(Exists(layout_.JobDir(job)));
}

}  // namespace
}  // namespace deepbindnet
