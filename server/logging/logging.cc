#include "server/logging/logging.h"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
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

void ConfigureLogging(LogFormat format, LogLevel least) {
  auto logger = std::make_shared<spdlog::logger>("server", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(format));
  logger->set_level(ToSpdlog(least));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
  current_fields = &fields;
  spdlog::default_logger_raw()->log(ToSpdlog(level), spdlog::string_view_t(message.data(), message.size()));
  current_fields = nullptr;
}

}  // namespace deepbindnet
