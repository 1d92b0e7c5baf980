// The engine's work on files that is not about a job's output: directories and uploads.
#ifndef DEEPBINDNET_SERVER_JOBS_JOB_FILES_H_
#define DEEPBINDNET_SERVER_JOBS_JOB_FILES_H_

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/store/data_layout.h"

namespace deepbindnet {

// What is in `directory`; nothing where it cannot be read.
std::vector<std::filesystem::path> EntriesOf(const std::filesystem::path& directory);

// Everything under the data directory that jobs expect to be there.
absl::Status MakeDataDirectories(const DataLayout& layout);

// Makes the directory of `job` and moves its upload, where it has one, to InputFile(); both survive a power failure.
// INVALID_ARGUMENT where a PREPARE_DATASET job has none.
absl::Status AdoptUpload(const DataLayout& layout, const v1::Job& job, const std::string& upload);
// Undoes it.
void ReturnUpload(const DataLayout& layout, const v1::Job& job, const std::string& upload);

// Removes the upload of a job that needs it no more.
void RemoveUpload(const DataLayout& layout, const v1::Job& job);

// Removes what a crash left: uploads that no job took over, and those of jobs that are not among `unended`.
void RemoveLeftoverUploads(const DataLayout& layout, const std::set<std::string>& unended);

// Ignores an empty path and one that is not there.
void RemoveFile(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_JOB_FILES_H_
