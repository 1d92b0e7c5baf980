// Files of TensorBoard events. A file is a sequence of TFRecords, each with one serialised tensorboard.Event:
//   uint64 length, uint32 masked CRC-32C of these 8 bytes, the event, uint32 masked CRC-32C of the event,
// all little-endian; docs/formats/event_files.md has the rest. All functions block on the file system.
#ifndef DEEPBINDNET_CORE_TRAINING_EVENT_FILE_H_
#define DEEPBINDNET_CORE_TRAINING_EVENT_FILE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/file_descriptor.h"
#include "core/base/status.h"
#include "core/training/wire_message.h"

namespace deepbindnet {

// The file that a process adds events to. Not thread-safe.
class EventFile {
 public:
  // Makes `directory` where it is missing, and in it a file that readers take after every event file already there:
  // they go by name, events.out.tfevents.<seconds>.<host>.<process>, so <seconds> is `unix_seconds`, or more where
  // that is not later than the newest.
  static absl::StatusOr<EventFile> Create(const std::string& directory, int64_t unix_seconds);

  // Adds one event. `event` has the fields of tensorboard.Event but its time, which is `wall_time` in seconds since
  // 1970. One write(): a process that is killed leaves at most one torn event, the last, and readers accept that.
  absl::Status Append(double wall_time, const WireMessage& event);

  const std::string& path() const { return path_; }

 private:
  EventFile(std::string path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FileDescriptor file_;
};

// Paths of the event files in `directory`, in the order of reading; none where there is no such directory.
std::vector<std::string> ListEventFiles(const std::string& directory);

// Removes them.
absl::Status RemoveEventFiles(const std::string& directory);

// Calls `take` with the event of every record in turn, up to one that is torn or damaged.
void ForEachEvent(absl::string_view file_contents, const std::function<void(absl::string_view)>& take);

// Those of `events` (as Append() takes them) that stand in no event file of `directory`, whatever their time there.
absl::StatusOr<std::vector<WireMessage>> MissingEvents(const std::string& directory, std::vector<WireMessage> events);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_EVENT_FILE_H_
