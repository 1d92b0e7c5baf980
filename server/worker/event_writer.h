// The worker's end of the pipe to the server: length-delimited WorkerEvents.
#ifndef DEEPBINDNET_SERVER_WORKER_EVENT_WRITER_H_
#define DEEPBINDNET_SERVER_WORKER_EVENT_WRITER_H_

#include <chrono>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

// Thread-safe. Each message goes out whole, one after the other; a full pipe blocks. After a failed write (nobody reads
// any more) everything further is dropped and status() says so. SIGPIPE has to be ignored by the process.
class EventWriter {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Writes to `fd`, which stays the caller's; children of this process do not inherit it.
  explicit EventWriter(int fd, Clock clock = std::chrono::steady_clock::now);

  // At most five a second within a phase; the first of a phase always.
  void Progress(const v1::Progress& progress);
  void Epoch(const v1::EpochMetrics& epoch);
  void Log(v1::LogLine::Level level, absl::string_view text);
  void Error(const v1::JobError& error);
  void Result(const v1::JobResult& result);

  absl::Status status() const;

 private:
  void Write(const v1::WorkerEvent& event);

  const int fd_;
  const Clock clock_;
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::string phase_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point last_progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_EVENT_WRITER_H_
