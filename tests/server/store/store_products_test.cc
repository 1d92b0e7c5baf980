// Data sets and models, and the jobs that make them.
#include "tests/server/store/store_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::IsEmpty;

class ProductsTest : public StoreTest {};

TEST_F(ProductsTest, FinishesAJobWithItsDatasetAtomically) {
  v1::Job job = PrepareJob("job-a", "kiba");
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  job.set_state(v1::SUCCEEDED);
  v1::Dataset dataset;
  dataset.set_name("kiba");
  dataset.mutable_summary()->set_drugs(3);
  ASSERT_THAT(store_->FinishJobWithDataset(&job, {Log("done")}, dataset), IsOk());
  Reopen();
  ASSERT_OK_AND_ASSIGN(const v1::Dataset read, store_->GetDataset("kiba"));
  EXPECT_EQ(read.summary().drugs(), 3);

  v1::Job second = PrepareJob("job-b", "kiba");
  ASSERT_THAT(store_->InsertJob(&second, {}), IsOk());
  second.set_state(v1::SUCCEEDED);
  EXPECT_THAT(store_->FinishJobWithDataset(&second, {Log("done")}, dataset),
              IsError(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "\"kiba\""));
  ASSERT_OK_AND_ASSIGN(const v1::Job unchanged, store_->GetJob("job-b"));
  EXPECT_EQ(unchanged.state(), v1::QUEUED);
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ReadEvents("job-b", 0, 10));
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(ProductsTest, FinishingAnUnknownJobKeepsNoModel) {
  v1::Job job = TrainJob("job-x");
  v1::Model model;
  model.set_name("m");
  EXPECT_THAT(store_->FinishJobWithModel(&job, {}, model),
              IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "job-x"));
  EXPECT_THAT(store_->GetModel("m"), IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "\"m\""));
}

TEST_F(ProductsTest, NotFoundNamesWhatThereIs) {
  EXPECT_THAT(store_->GetDataset("x"), IsError(absl::StatusCode::kNotFound, "DATASET_NOT_FOUND",
                                               "there is no data set \"x\"; there is none yet; make one with"));
  v1::Job job = TrainJob("job-a");
  ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
  for (int i = 0; i < 12; ++i) {
    v1::Model model;
    model.set_name(absl::StrCat("m", 10 + i));
    ASSERT_THAT(store_->FinishJobWithModel(&job, {}, model), IsOk());
  }
  const absl::Status missing = store_->GetModel("x").status();
  EXPECT_THAT(missing, IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "there are: m10, m11"));
  EXPECT_THAT(missing, IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "m19, ... and 2 more"));
}

}  // namespace
}  // namespace deepbindnet
