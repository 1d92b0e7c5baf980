#include "client/download.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/files.h"
#include "client/format.h"
#include "client/job_watcher.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

bool StaysInside(const std::filesystem::path& path) {
  return !path.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const std::filesystem::path& part) { return part == ".."; });
}

absl::Status Download(const std::string& job, const std::string& artifact, const std::string& path, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  Connection* connection = session->connection();
  InterruptibleContext context(connection->interrupt());
  const std::string call_id = connection->Prepare(context.get());
  v1::DownloadArtifactRequest request;
  request.set_job(job);
  request.set_artifact(artifact);
  const auto reader = connection->stub()->DownloadArtifact(context.get(), request);
  v1::DownloadArtifactResponse response;
  Sha256 sha256;
  uint64_t received = 0;
  uint64_t total = 0;
  std::string expected;
  while (reader->Read(&response)) {
    file->Write(response.chunk());
    sha256.Update(response.chunk());
    received += response.chunk().size();
    total = std::max<uint64_t>(total, response.size_bytes());
    if (!response.sha256().empty()) expected = response.sha256();
    session->console()->Progress(absl::StrCat("downloading ", artifact), static_cast<double>(received),
                                 static_cast<double>(total), FormatBytes(static_cast<double>(received)));
  }
  session->console()->ClearProgress();
  CLIENT_RETURN_IF_ERROR(connection->Finish(reader->Finish(), call_id));
  if (received != total || sha256.Hex() != expected) {
    return absl::DataLossError(
        absl::StrCat(artifact, ": came damaged (", received, " of ", total, " bytes, or another SHA-256); try again"));
  }
  return file->Commit();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DownloadArtifacts(const std::string& job,
                                                           const std::vector<std::string>& artifacts,
                                                           const std::string& directory, Session* session) {
  std::vector<std::string> paths;
  for (const std::string& artifact : artifacts) {
    if (!StaysInside(artifact)) {
      return absl::InternalError(absl::StrCat("the server names an artifact '", artifact, "' outside the directory"));
    }
    paths.push_back((std::filesystem::path(directory) / artifact).string());
    CLIENT_RETURN_IF_ERROR(Download(job, artifact, paths.back(), session));
  }
  return paths;
}

absl::Status DownloadAndPrint(const std::string& job, const std::vector<std::string>& artifacts,
                              const std::string& directory, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const std::vector<std::string> paths, DownloadArtifacts(job, artifacts, directory, session));
  for (const std::string& path : paths) {
    session->console()->Json({{"type", "artifact"}, {"path", path}});
    session->console()->Line(absl::StrCat("wrote ", path));
  }
  return absl::OkStatus();
}

void AddDownloadOptions(CLI::App* app, DownloadArguments* arguments) {
  app->add_option("--output-dir", arguments->output_dir,
                  "Directory for the files, made if missing [the name of what the job makes]")
      ->type_name("DIR");
  app->add_option("--artifact", arguments->artifacts, "Only these files, for example best_model.pt [all]");
}

absl::Status DownloadJobFiles(const std::string& id, const DownloadArguments& arguments, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, GetJob(id, session));
  std::vector<std::string> artifacts = arguments.artifacts;
  if (artifacts.empty()) artifacts.assign(job.artifacts().begin(), job.artifacts().end());
  if (artifacts.empty()) {
    return absl::NotFoundError(
        absl::StrCat("job ", job.id(), " is ", StateName(job.state()), " and has no files",
                     HasEnded(job.state())
                         ? ""
                         : absl::StrCat("; wait for its end: ", session->CommandLine({"jobs", "watch", job.id()}))));
  }
  return DownloadAndPrint(job.id(), artifacts, arguments.output_dir.empty() ? job.name() : arguments.output_dir,
                          session);
}

}  // namespace deepbindnet::client
