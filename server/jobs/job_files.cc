#include "server/jobs/job_files.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "server/jobs/worker_task.h"

namespace deepbindnet {
namespace {

namespace fs = std::filesystem;

fs::path InputDir(const DataLayout& layout, const v1::Job& job) {
  return fs::path(InputFile(layout, job)).parent_path();
}

}  // namespace

std::vector<fs::path> EntriesOf(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    entries.push_back(entry->path());
  }
  return entries;
}

absl::Status MakeDataDirectories(const DataLayout& layout) {
  DBN_RETURN_IF_ERROR(MakeDirectories(layout.UploadsDir()));
  for (const std::string& child :
       {layout.DatasetDir("x"), layout.ModelDir("x"), layout.ComparisonDir("x"), layout.JobDir("x")}) {
    DBN_RETURN_IF_ERROR(MakeDirectories(fs::path(child).parent_path().string()));
  }
  return absl::OkStatus();
}

absl::Status AdoptUpload(const DataLayout& layout, const v1::Job& job, const std::string& upload) {
  if (!job.spec().has_prepare_dataset()) return MakeDirectories(layout.JobDir(job.id()));
  if (upload.empty()) return InvalidField("input_file", upload, "is missing; upload the data to prepare");
  DBN_RETURN_IF_ERROR(MakeDirectories(InputDir(layout, job).string()));
  std::error_code error;
  fs::rename(upload, InputFile(layout, job), error);
  if (error) {
    ReturnUpload(layout, job, "");
    return absl::InternalError(absl::StrCat("cannot take over the upload: ", error.message()));
  }
  const absl::Status synced = SyncDirectory(InputDir(layout, job).string());
  if (!synced.ok()) ReturnUpload(layout, job, upload);
  return synced;
}

void ReturnUpload(const DataLayout& layout, const v1::Job& job, const std::string& upload) {
  std::error_code ignored;
  if (job.spec().has_prepare_dataset() && !upload.empty()) fs::rename(InputFile(layout, job), upload, ignored);
  fs::remove_all(layout.JobDir(job.id()), ignored);
}

void RemoveUpload(const DataLayout& layout, const v1::Job& job) {
  std::error_code ignored;
  if (job.spec().has_prepare_dataset()) fs::remove_all(InputDir(layout, job), ignored);
}

void RemoveLeftoverUploads(const DataLayout& layout, const std::set<std::string>& unended) {
  std::error_code ignored;
  for (const fs::path& upload : EntriesOf(layout.UploadsDir())) fs::remove_all(upload, ignored);
  for (const fs::path& job_dir : EntriesOf(fs::path(layout.JobDir("x")).parent_path())) {
    if (unended.count(job_dir.filename().string()) == 0) fs::remove_all(job_dir / "input", ignored);
  }
}

void RemoveFile(const std::string& path) {
  std::error_code ignored;
  if (!path.empty()) fs::remove(path, ignored);
}

}  // namespace deepbindnet
