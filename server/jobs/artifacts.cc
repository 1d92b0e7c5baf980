#include "server/jobs/artifacts.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/jobs/worker_task.h"

namespace deepbindnet {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "manifest.json";
constexpr char kRejected[] = "rejected.csv";

bool IsPlainFile(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::symlink_status(path, ignored));
}

std::vector<std::string> PresentOf(const std::string& directory, std::vector<std::string> names) {
  names.erase(
      std::remove_if(names.begin(), names.end(),
                     [&directory](const std::string& name) { return !IsPlainFile(fs::path(directory) / name); }),
      names.end());
  return names;
}

std::vector<std::string> AllFilesUnder(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(directory).generic_string();
    const bool internal = absl::EndsWith(name, ".tmp") || entry->path().filename().string().front() == '.';
    if (IsPlainFile(entry->path()) && !internal) files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::string> ListArtifacts(const DataLayout& layout, const v1::Job& job) {
  const std::string directory = OutputDir(layout, job);
  if (job.spec().has_prepare_dataset()) return PresentOf(directory, {kManifest, kRejected});
  return AllFilesUnder(directory);
}

std::vector<std::string> DiscardOutput(const DataLayout& layout, const v1::Job& job) {
  const fs::path output = OutputDir(layout, job);
  std::error_code ignored;
  if (job.spec().has_prepare_dataset() && IsPlainFile(output / kRejected)) {
    fs::create_directories(layout.JobDir(job.id()), ignored);
    fs::rename(output / kRejected, fs::path(layout.JobDir(job.id())) / kRejected, ignored);
  }
  fs::remove_all(output, ignored);
  if (!job.spec().has_prepare_dataset()) return {};
  return PresentOf(layout.JobDir(job.id()), {kRejected});
}

absl::StatusOr<std::string> ArtifactPath(const DataLayout& layout, const v1::Job& job, const std::string& artifact) {
  if (std::find(job.artifacts().begin(), job.artifacts().end(), artifact) == job.artifacts().end()) {
    const std::string there = job.artifacts().empty()
                                  ? absl::StrCat("it is ", v1::JobState_Name(job.state()), " and has none")
                                  : absl::StrCat("it has: ", absl::StrJoin(job.artifacts(), ", "));
    return WithReason(
        absl::NotFoundError(absl::StrCat("job ", job.id(), " has no artifact \"", artifact, "\"; ", there)),
        "ARTIFACT_NOT_FOUND", {{"job", job.id()}, {"artifact", artifact}});
  }
  const std::string directory = job.state() == v1::SUCCEEDED ? OutputDir(layout, job) : layout.JobDir(job.id());
  return absl::StrCat(directory, "/", artifact);
}

}  // namespace deepbindnet
