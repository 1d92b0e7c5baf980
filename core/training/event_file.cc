#include "core/training/event_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "core/base/crc32c.h"
#include "core/base/file.h"
#include "core/base/little_endian.h"

namespace deepbindnet {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kPrefix = "events.out.tfevents.";
constexpr int kWallTimeField = 1;
constexpr size_t kWallTimeBytes = 9;  // Key and double.
constexpr size_t kHeaderBytes = 12, kFooterBytes = 4;

// As TFRecord wants it, so that a checksum of data that hold checksums is as good as any.
uint32_t MaskedCrc(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

std::string Record(absl::string_view event) {
  std::string record;
  AppendLittleEndian(static_cast<uint64_t>(event.size()), &record);
  AppendLittleEndian(MaskedCrc(record), &record);
  absl::StrAppend(&record, event);
  AppendLittleEndian(MaskedCrc(event), &record);
  return record;
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

// The seconds in the name of an event file; -1 where there are none.
int64_t SecondsOf(const std::string& path) {
  const std::string name = fs::path(path).filename().string().substr(kPrefix.size());
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  int64_t seconds = -1;
  return absl::SimpleAtoi(parts[0], &seconds) ? seconds : -1;
}

}  // namespace

absl::StatusOr<EventFile> EventFile::Create(const std::string& directory, int64_t unix_seconds) {
  DBN_RETURN_IF_ERROR(MakeDirectories(directory));
  for (const std::string& earlier : ListEventFiles(directory)) {
    unix_seconds = std::max(unix_seconds, SecondsOf(earlier) + 1);
  }
  std::string path = absl::StrFormat("%s/%s%010d.%s.%d", directory, kPrefix, unix_seconds, HostName(), getpid());
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
  if (file.get() < 0) return FileError(absl::StrCat("cannot create ", path), errno);
  return EventFile(std::move(path), std::move(file));
}

absl::Status EventFile::Append(double wall_time, const WireMessage& event) {
  const std::string record =
      Record(absl::StrCat(WireMessage().Double(kWallTimeField, wall_time).bytes(), event.bytes()));
  ssize_t written = -1;
  do {
    written = write(file_.get(), record.data(), record.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return FileError(absl::StrCat("cannot write ", path_), errno);
  if (static_cast<size_t>(written) == record.size()) return absl::OkStatus();
  // A disk takes less than it was given where it has no room for more.
  return FileError(absl::StrCat("cannot write more than ", written, " of ", record.size(), " bytes of ", path_),
                   ENOSPC);
}

std::vector<std::string> ListEventFiles(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code ignored;
  for (fs::directory_iterator entry(directory, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    if (absl::StartsWith(entry->path().filename().string(), kPrefix)) paths.push_back(entry->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::Status RemoveEventFiles(const std::string& directory) {
  for (const std::string& path : ListEventFiles(directory)) {
    std::error_code error;
    fs::remove(path, error);
    if (error) return FileError(absl::StrCat("cannot remove ", path), error.value());
  }
  return absl::OkStatus();
}

void ForEachEvent(absl::string_view file_contents, const std::function<void(absl::string_view)>& take) {
  while (file_contents.size() >= kHeaderBytes + kFooterBytes) {
    const auto length = ReadLittleEndian<uint64_t>(file_contents);
    if (ReadLittleEndian<uint32_t>(file_contents.substr(8)) != MaskedCrc(file_contents.substr(0, 8))) return;
    if (length > file_contents.size() - kHeaderBytes - kFooterBytes) return;
    const absl::string_view event = file_contents.substr(kHeaderBytes, length);
    if (ReadLittleEndian<uint32_t>(file_contents.substr(kHeaderBytes + length)) != MaskedCrc(event)) return;
    take(event);
    file_contents.remove_prefix(kHeaderBytes + length + kFooterBytes);
  }
}

absl::StatusOr<std::vector<WireMessage>> MissingEvents(const std::string& directory, std::vector<WireMessage> events) {
  for (const std::string& path : ListEventFiles(directory)) {
    DBN_ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
    ForEachEvent(contents, [&events](absl::string_view stored) {
      if (stored.size() < kWallTimeBytes) return;
      stored.remove_prefix(kWallTimeBytes);
      events.erase(std::remove_if(events.begin(), events.end(),
                                  [stored](const WireMessage& event) { return event.bytes() == stored; }),
                   events.end());
    });
  }
  return events;
}

}  // namespace deepbindnet
