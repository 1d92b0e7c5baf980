// What a command tells its user: readable lines, or with --json one object a line; a progress line on a terminal.
#ifndef DEEPBINDNET_SERVER_WORKER_CONSOLE_H_
#define DEEPBINDNET_SERVER_WORKER_CONSOLE_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/evaluation/metrics.h"
#include "nlohmann/json.hpp"

namespace deepbindnet {

// The worker's exit codes.
enum ExitCode : int { kDone = 0, kFailed = 1, kWrongUsage = 2, kStopped = 75 };

// Insertion-ordered, so that lines read in the order in which they were written down.
using Json = nlohmann::ordered_json;

// Thread-safe. Results go to standard output, errors and progress to standard error.
class Console {
 public:
  explicit Console(bool json);

  bool json() const { return json_; }

  // A line for people; silent with --json.
  void Line(absl::string_view text);
  // One object on a line of its own; silent without --json. A NaN becomes null.
  void Object(const Json& object);

  // Redraws the progress line, at most ten times a second. Silent with --json and where standard error is no terminal.
  // `total` 0 is unknown; `note` follows the counts.
  void Progress(absl::string_view phase, int64_t done, int64_t total, absl::string_view note);

  // One line on standard error, with --json also a last object with `state` and the error; returns the exit code:
  // kFailed, kWrongUsage for options that do not fit, kStopped for a run that a signal ended.
  int Fail(const absl::Status& status);
  int WrongUsage(const absl::Status& status);
  int Stopped(absl::string_view remedy);

 private:
  void PrintError(absl::string_view text);
  void EraseProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const bool json_;
  const bool progress_;
  Mutex mutex_;
  bool progress_shown_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point last_progress_ ABSL_GUARDED_BY(mutex_);
};

// A status as one line: its message, or the code's name where it has none.
std::string OneLine(const absl::Status& status);

// {"mse": ..., ...}; with `errors_only` without those that ranks and correlations decide.
Json MetricsJson(const RegressionMetrics& metrics, bool errors_only = false);

// "4:05" or "1:02:03".
std::string FormatSeconds(double seconds);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_CONSOLE_H_
