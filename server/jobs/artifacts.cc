#include "server/jobs/artifacts.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
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

// Of a job that did not succeed. Not where it wrote: that place is the next job's of the same name.
std::string KeptDir(const DataLayout& layout, const v1::Job& job) {
  return job.spec().has_train() ? absl::StrCat(layout.JobDir(job.id()), "/output") : layout.JobDir(job.id());
}

// A link costs nothing and leaves the original to a job that has to go on with it; some file systems have none.
absl::Status LinkOrCopy(const fs::path& from, const fs::path& to) {
  DBN_RETURN_IF_ERROR(MakeDirectories(to.parent_path().string()));
  std::error_code error;
  fs::remove(to, error);
  fs::create_hard_link(from, to, error);
  if (!error) return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(const std::string contents, ReadFile(from.string()));
  return WriteFileAtomically(to.string(), contents);
}

absl::Status Keep(const fs::path& from, const fs::path& to, const std::vector<std::string>& names) {
  std::set<fs::path> changed;
  for (const std::string& name : names) {
    DBN_RETURN_IF_ERROR(LinkOrCopy(from / name, to / name));
    changed.insert((to / name).parent_path());
  }
  for (const fs::path& directory : changed) DBN_RETURN_IF_ERROR(SyncDirectory(directory.string()));
  return absl::OkStatus();
}

// None where there is no such directory.
absl::StatusOr<std::vector<std::string>> AllFilesUnder(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().lexically_relative(directory).generic_string();
    const bool internal = absl::EndsWith(name, kUnfinishedSuffix) || entry->path().filename().string().front() == '.';
    if (IsPlainFile(entry->path()) && !internal) files.push_back(name);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", directory));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::string> ListArtifacts(const DataLayout& layout, const v1::Job& job) {
  const std::string directory = OutputDir(layout, job);
  if (job.spec().has_prepare_dataset()) return PresentOf(directory, {kManifest, kRejected});
  return AllFilesUnder(directory).value_or(std::vector<std::string>());
}

absl::StatusOr<std::vector<std::string>> KeepOutput(const DataLayout& layout, const v1::Job& job) {
  const std::string output = OutputDir(layout, job);
  const std::string kept = KeptDir(layout, job);
  if (job.spec().has_prepare_dataset()) {
    DBN_RETURN_IF_ERROR(Keep(output, kept, PresentOf(output, {kRejected})));
    return PresentOf(kept, {kRejected});
  }
  if (!job.spec().has_train()) return std::vector<std::string>();
  DBN_ASSIGN_OR_RETURN(const std::vector<std::string> written, AllFilesUnder(output));
  DBN_RETURN_IF_ERROR(Keep(output, kept, written));
  return AllFilesUnder(kept);
}

void RemoveOutput(const DataLayout& layout, const v1::Job& job) {
  std::error_code ignored;
  fs::remove_all(OutputDir(layout, job), ignored);
}

std::vector<std::string> ListOutputs(const DataLayout& layout) {
  std::vector<std::string> outputs;
  for (const std::string& child : {layout.DatasetDir("x"), layout.ModelDir("x"), layout.ComparisonDir("x")}) {
    std::error_code error;
    for (fs::directory_iterator entry(fs::path(child).parent_path(), error), end; !error && entry != end;
         entry.increment(error)) {
      outputs.push_back(entry->path().string());
    }
  }
  return outputs;
}

void SetArtifacts(const std::vector<std::string>& artifacts, v1::Job* job) {
  *job->mutable_artifacts() = {artifacts.begin(), artifacts.end()};
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
  const std::string directory = job.state() == v1::SUCCEEDED ? OutputDir(layout, job) : KeptDir(layout, job);
  return absl::StrCat(directory, "/", artifact);
}

}  // namespace deepbindnet
