#include "server/jobs/worker_task.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deepbindnet {
namespace {

constexpr size_t kLongestFileName = 128;

// Names are the client's: anything but a plain file name is replaced.
std::string SafeFileName(absl::string_view name) {
  const bool plain = !name.empty() && name.size() <= kLongestFileName && absl::ascii_isalnum(name.front()) &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
                     });
  return plain ? std::string(name) : "upload";
}

}  // namespace

std::string InputFile(const DataLayout& layout, const v1::Job& job) {
  return absl::StrCat(layout.JobDir(job.id()), "/input/", SafeFileName(job.spec().prepare_dataset().file_name()));
}

std::string OutputDir(const DataLayout& layout, const v1::Job& job) {
  switch (job.spec().kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      return layout.DatasetDir(job.spec().prepare_dataset().dataset());
    case v1::JobSpec::kTrain:
      return layout.ModelDir(job.spec().train().model());
    case v1::JobSpec::kCompare:
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return layout.ComparisonDir(job.id());
}

v1::WorkerTask MakeWorkerTask(const DataLayout& layout, const v1::Job& job, bool resume) {
  v1::WorkerTask task;
  *task.mutable_spec() = job.spec();
  const std::string output = OutputDir(layout, job);
  switch (job.spec().kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      task.set_input_file(InputFile(layout, job));
      task.set_dataset_dir(output);
      break;
    case v1::JobSpec::kTrain:
      task.set_dataset_dir(layout.DatasetDir(job.spec().train().dataset()));
      task.set_output_dir(output);
      task.set_resume(resume);
      break;
    case v1::JobSpec::kCompare:
      task.set_dataset_dir(layout.DatasetDir(job.spec().compare().dataset()));
      task.set_output_dir(output);
      for (const std::string& model : job.spec().compare().models()) task.add_checkpoints(layout.Checkpoint(model));
      break;
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return task;
}

}  // namespace deepbindnet
