// The server's log: one line a message on standard error, as text or as JSON, with fields such as the job's id.
#ifndef DEEPBINDNET_SERVER_LOGGING_LOGGING_H_
#define DEEPBINDNET_SERVER_LOGGING_LOGGING_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error", in the order of the levels.
const std::vector<std::string>& LogLevelNames();
// INVALID_ARGUMENT names `field` and the levels there are.
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view field, absl::string_view name);

struct LogField {
  std::string name;
  std::string value;
};

// Sends everything that goes through spdlog to standard error. Call once, before other threads log.
//   text: 2024-05-01T12:00:00.123Z info  message name=value
//   json: {"time":"...","level":"info","message":"...","name":"value"}
void ConfigureLogging(LogFormat format, LogLevel least);

// The least level that is logged, changed at once for all threads. Thread-safe.
void SetLogLevel(LogLevel least);
LogLevel GetLogLevel();

// A line of level "info" with the message "audit", logged whatever the least level is. Thread-safe.
void LogAudit(const std::vector<LogField>& fields);

// Thread-safe.
void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields = {});

// One line without its line end, as ConfigureLogging's formats write it; `time` is already formatted.
std::string FormatLogLine(LogFormat format, absl::string_view time, absl::string_view level, absl::string_view message,
                          const std::vector<LogField>& fields);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_LOGGING_LOGGING_H_
