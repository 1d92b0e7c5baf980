#include "server/jobs/deletion.h"

#include <filesystem>
#include <system_error>

#include "core/base/file.h"
#include "server/jobs/job_files.h"
#include "server/logging/logging.h"

namespace deepbindnet {
namespace {

namespace fs = std::filesystem;

fs::path PlaceAside(const DataLayout& layout, const fs::path& directory) {
  return fs::path(layout.DeletedDir()) / directory.lexically_relative(layout.data_dir);
}

absl::Status Move(const fs::path& from, const fs::path& to) {
  DBN_RETURN_IF_ERROR(MakeDirectories(to.parent_path().string()));
  std::error_code error;
  fs::remove_all(to, error);
  fs::rename(from, to, error);
  if (error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  if (error) return FileError("cannot set the files aside", error.value());
  DBN_RETURN_IF_ERROR(SyncDirectory(from.parent_path().string()));
  return SyncDirectory(to.parent_path().string());
}

// `get` finds the record of what was set aside in `kind_dir` under a name.
template <typename Get>
absl::Status FinishKind(const DataLayout& layout, const std::string& child, Get get) {
  const fs::path kind_dir = fs::path(child).parent_path();
  for (const fs::path& aside : EntriesOf(PlaceAside(layout, kind_dir))) {
    const std::string name = aside.filename().string();
    const absl::Status found = get(name).status();
    const std::string directory = (kind_dir / name).string();
    if (found.ok()) {
      PutBack(layout, directory);
    } else if (absl::IsNotFound(found)) {
      RemoveSetAside(layout, directory);
    } else {
      return found;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SetAside(const DataLayout& layout, const std::string& directory) {
  return Move(directory, PlaceAside(layout, directory));
}

void PutBack(const DataLayout& layout, const std::string& directory) {
  std::error_code error;
  fs::rename(PlaceAside(layout, directory), directory, error);
  if (!error || error == std::errc::no_such_file_or_directory) return;
  // The next start tries again.
  Log(LogLevel::kError, "cannot put back what could not be deleted",
      {{"directory", directory}, {"error", error.message()}});
}

void RemoveSetAside(const DataLayout& layout, const std::string& directory) {
  std::error_code ignored;
  fs::remove_all(PlaceAside(layout, directory), ignored);
}

absl::Status FinishDeletions(const DataLayout& layout, Store* store) {
  const auto get_job = [store](const std::string& id) { return store->GetJob(id); };
  DBN_RETURN_IF_ERROR(
      FinishKind(layout, layout.DatasetDir("x"), [store](const std::string& name) { return store->GetDataset(name); }));
  DBN_RETURN_IF_ERROR(
      FinishKind(layout, layout.ModelDir("x"), [store](const std::string& name) { return store->GetModel(name); }));
  DBN_RETURN_IF_ERROR(FinishKind(layout, layout.ComparisonDir("x"), get_job));
  return FinishKind(layout, layout.JobDir("x"), get_job);
}

}  // namespace deepbindnet
