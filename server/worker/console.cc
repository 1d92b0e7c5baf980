#include "server/worker/console.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace deepbindnet {
namespace {

constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr int kBarWidth = 24;

void Write(std::FILE* file, absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

std::string Bar(int64_t done, int64_t total) {
  const int filled = static_cast<int>(kBarWidth * std::clamp<int64_t>(done, 0, total) / total);
  return absl::StrCat("[", std::string(static_cast<size_t>(filled), '#'),
                      std::string(static_cast<size_t>(kBarWidth - filled), '.'), "] ", done, "/", total);
}

}  // namespace

Console::Console(bool json) : json_(json), progress_(!json && isatty(STDERR_FILENO) == 1) {}

void Console::EraseProgress() {
  if (progress_shown_) Write(stderr, "\r\x1b[K");
  progress_shown_ = false;
}

void Console::Line(absl::string_view text) {
  if (json_) return;
  MutexLock lock(&mutex_);
  EraseProgress();
  Write(stdout, absl::StrCat(text, "\n"));
}

void Console::Object(const Json& object) {
  if (!json_) return;
  const std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  MutexLock lock(&mutex_);
  Write(stdout, line);
}

void Console::Progress(absl::string_view phase, int64_t done, int64_t total, absl::string_view note) {
  if (!progress_) return;
  const auto now = std::chrono::steady_clock::now();
  MutexLock lock(&mutex_);
  if (progress_shown_ && now - last_progress_ < kProgressInterval) return;
  const std::string counts = total > 0 ? Bar(done, total) : done > 0 ? absl::StrCat(done) : "";
  Write(stderr, absl::StrCat("\r\x1b[K", phase, " ", counts, note.empty() ? "" : "  ", note));
  progress_shown_ = true;
  last_progress_ = now;
}

void Console::PrintError(absl::string_view text) {
  MutexLock lock(&mutex_);
  EraseProgress();
  Write(stderr, absl::StrCat("deepbindnet-worker: ", text, "\n"));
}

int Console::Fail(const absl::Status& status) {
  Object({{"state", "FAILED"}, {"reason", GetReason(status)}, {"message", std::string(status.message())}});
  PrintError(OneLine(status));
  return kFailed;
}

int Console::WrongUsage(const absl::Status& status) {
  Fail(status);
  return kWrongUsage;
}

int Console::Stopped(absl::string_view remedy) {
  Object({{"state", "STOPPED"}, {"message", std::string(remedy)}});
  PrintError(absl::StrCat("stopped; ", remedy));
  return kStopped;
}

std::string OneLine(const absl::Status& status) {
  if (status.message().empty()) return absl::StatusCodeToString(status.code());
  return absl::StrReplaceAll(status.message(), {{"\r", ""}, {"\n", " "}});
}

Json MetricsJson(const RegressionMetrics& metrics, bool errors_only) {
  Json object;
  for (const auto& [name, value] : NamedMetrics(metrics)) {
    const bool is_error = name == "mse" || name == "rmse" || name == "mae" || name == "r2";
    if (is_error || !errors_only) object[std::string(name)] = value;
  }
  return object;
}

std::string FormatSeconds(double seconds) {
  const int64_t whole = std::llround(std::max(seconds, 0.0));
  if (whole < 3600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace deepbindnet
