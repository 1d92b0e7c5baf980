// The files that a job leaves for its owner.
#ifndef DEEPBINDNET_SERVER_JOBS_ARTIFACTS_H_
#define DEEPBINDNET_SERVER_JOBS_ARTIFACTS_H_

#include <string>
#include <vector>

#include "core/base/status.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/store/data_layout.h"

namespace deepbindnet {

// What Job.artifacts gets when `job` succeeds, sorted: paths relative to its output directory, with '/'. Of a data set
// manifest.json and rejected.csv, else every regular file; links and unfinished files (*.tmp) are left out.
std::vector<std::string> ListArtifacts(const DataLayout& layout, const v1::Job& job);

// What is worth keeping of a job that failed is put into the job's own directory, as links to the same files or as
// copies: the rejected.csv of a data set that could not be prepared, and all that a training has written. Returns what
// Job.artifacts gets; then all of it survives a power failure. The output itself stays until RemoveOutput(), and has to
// stay on an error. May be done again.
absl::StatusOr<std::vector<std::string>> KeepOutput(const DataLayout& layout, const v1::Job& job);

// Removes the output directory of a job that did not succeed, once that is durable. What KeepOutput() kept stays.
void RemoveOutput(const DataLayout& layout, const v1::Job& job);

// The output directories there are, of all jobs. Each is called as the job or as what the job makes.
std::vector<std::string> ListOutputs(const DataLayout& layout);

void SetArtifacts(const std::vector<std::string>& artifacts, v1::Job* job);

// Where `artifact` lies. NOT_FOUND, reason ARTIFACT_NOT_FOUND, unless it is exactly an entry of job.artifacts.
absl::StatusOr<std::string> ArtifactPath(const DataLayout& layout, const v1::Job& job, const std::string& artifact);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_ARTIFACTS_H_
