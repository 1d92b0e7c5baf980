#include "server/worker/event_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"

namespace deepbindnet {
namespace {

constexpr auto kProgressInterval = std::chrono::milliseconds(200);

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::CancelledError(absl::StrCat("cannot write an event: ", std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

EventWriter::EventWriter(int fd, Clock clock) : fd_(fd), clock_(std::move(clock)) {
  const int flags = fcntl(fd_, F_GETFD);
  if (flags >= 0) fcntl(fd_, F_SETFD, flags | FD_CLOEXEC);
}

void EventWriter::Progress(const v1::Progress& progress) {
  const auto now = clock_();
  {
    MutexLock lock(&mutex_);
    if (progress.phase() == phase_ && now - last_progress_ < kProgressInterval) return;
    phase_ = progress.phase();
    last_progress_ = now;
  }
  v1::WorkerEvent event;
  *event.mutable_progress() = progress;
  Write(event);
}

void EventWriter::Epoch(const v1::EpochMetrics& epoch) {
  v1::WorkerEvent event;
  *event.mutable_epoch() = epoch;
  Write(event);
}

void EventWriter::Log(v1::LogLine::Level level, absl::string_view text) {
  v1::WorkerEvent event;
  event.mutable_log()->set_level(level);
  event.mutable_log()->set_text(std::string(text));
  Write(event);
}

void EventWriter::Error(const v1::JobError& error) {
  v1::WorkerEvent event;
  *event.mutable_error() = error;
  Write(event);
}

void EventWriter::Result(const v1::JobResult& result) {
  v1::WorkerEvent event;
  *event.mutable_result() = result;
  Write(event);
}

absl::Status EventWriter::status() const {
  MutexLock lock(&mutex_);
  return status_;
}

void EventWriter::Write(const v1::WorkerEvent& event) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::util::SerializeDelimitedToZeroCopyStream(event, &stream);
  }
  // Held over the write, so that no two messages mix: there is nothing else to do with the pipe meanwhile.
  MutexLock lock(&mutex_);
  if (status_.ok()) status_ = WriteAll(fd_, bytes);
}

}  // namespace deepbindnet
