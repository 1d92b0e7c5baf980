// Artifacts of jobs, from the server to local files.
#ifndef DEEPBINDNET_CLIENT_DOWNLOAD_H_
#define DEEPBINDNET_CLIENT_DOWNLOAD_H_

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

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_DOWNLOAD_H_
