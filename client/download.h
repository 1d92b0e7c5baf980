// Artifacts of jobs, from the server to local files.
#ifndef DEEPBINDNET_CLIENT_DOWNLOAD_H_
#define DEEPBINDNET_CLIENT_DOWNLOAD_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/session.h"

namespace deepbindnet::client {

// Writes the named artifacts of `job` (an id) into `directory`, each whole and with its digest checked, and returns
// their paths. An artifact's name may have folders in it; one that would leave `directory` is refused.
absl::StatusOr<std::vector<std::string>> DownloadArtifacts(const std::string& job,
                                                           const std::vector<std::string>& artifacts,
                                                           const std::string& directory, Session* session);

// The same, and prints each path.
absl::Status DownloadAndPrint(const std::string& job, const std::vector<std::string>& artifacts,
                              const std::string& directory, Session* session);

struct DownloadArguments {
  std::string output_dir;              // Empty: the name of what the job makes.
  std::vector<std::string> artifacts;  // Empty: all.
};

// Adds --output-dir and --artifact; `arguments` must outlive parsing.
void AddDownloadOptions(CLI::App* app, DownloadArguments* arguments);

// Fetches what `arguments` ask for of `job` (an id or a name), also of a failed one. NOT_FOUND where it has no files.
absl::Status DownloadJobFiles(const std::string& job, const DownloadArguments& arguments, Session* session);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_DOWNLOAD_H_
