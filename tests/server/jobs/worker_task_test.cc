#include "server/jobs/worker_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

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
