#include "server/logging/logging.h"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

namespace deepbindnet {
namespace {

// The fields of the message that this thread is logging: spdlog has no place for them, and its sinks here format on
// the caller's thread.
thread_local const std::vector<LogField>* current_fields = nullptr;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Beside the default logger, which has a least level; both write to the same sink.
std::shared_ptr<spdlog::logger>& AuditLogger() {
  static auto* const logger = new std::shared_ptr<spdlog::logger>(spdlog::default_logger());
  return *logger;
}

void LogTo(spdlog::logger* logger, LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
  current_fields = &fields;
  logger->log(ToSpdlog(level), spdlog::string_view_t(message.data(), message.size()));
  current_fields = nullptr;
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& output) override {
    static const std::vector<LogField> kNone;
    const std::string time =
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(message.time), absl::UTCTimeZone());
    const auto level = spdlog::level::to_string_view(message.level);
    std::string line = FormatLogLine(format_, time, absl::string_view(level.data(), level.size()),
                                     absl::string_view(message.payload.data(), message.payload.size()),
                                     current_fields != nullptr ? *current_fields : kNone);
    line.push_back('\n');
    output.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(format_); }

 private:
  const LogFormat format_;
};

}  // namespace

std::string FormatLogLine(LogFormat format, absl::string_view time, absl::string_view level, absl::string_view message,
                          const std::vector<LogField>& fields) {
  if (format == LogFormat::kText) {
    std::string line = absl::StrCat(time, " ", level, " ", message);
    for (const LogField& field : fields) {
      const bool quoted = field.value.empty() || field.value.find_first_of(" \"\n") != std::string::npos;
      absl::StrAppend(&line, " ", field.name, "=",
                      quoted
                          ? nlohmann::json(field.value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                          : field.value);
    }
    return absl::StrReplaceAll(line, {{"\n", "\\n"}});
  }
  nlohmann::ordered_json object;
  object["time"] = std::string(time);
  object["level"] = std::string(level);
  object["message"] = std::string(message);
  for (const LogField& field : fields) object[field.name] = field.value;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const std::vector<std::string>& LogLevelNames() {
  static const auto* const names = new std::vector<std::string>{"debug", "info", "warning", "error"};
  return *names;
}

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view field, absl::string_view name) {
  const std::vector<std::string>& names = LogLevelNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<LogLevel>(found - names.begin());
  return InvalidField(field, name, absl::StrCat("is no level; give ", absl::StrJoin(names, ", ")));
}

void ConfigureLogging(LogFormat format, LogLevel least) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("server", sink);
  AuditLogger() = std::make_shared<spdlog::logger>("audit", sink);
  for (spdlog::logger* const each : {logger.get(), AuditLogger().get()}) {
    each->set_formatter(std::make_unique<LineFormatter>(format));
    each->flush_on(spdlog::level::debug);
  }
  spdlog::set_default_logger(std::move(logger));
  SetLogLevel(least);
}

void SetLogLevel(LogLevel least) { spdlog::default_logger_raw()->set_level(ToSpdlog(least)); }

LogLevel GetLogLevel() {
  const spdlog::level::level_enum level = spdlog::default_logger_raw()->level();
  for (const LogLevel each : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning}) {
    if (level <= ToSpdlog(each)) return each;
  }
  return LogLevel::kError;
}

void LogAudit(const std::vector<LogField>& fields) { LogTo(AuditLogger().get(), LogLevel::kInfo, "audit", fields); }

void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
  LogTo(spdlog::default_logger_raw(), level, message, fields);
}

}  // namespace deepbindnet
