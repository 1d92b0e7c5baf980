#include "client/console.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/error.h"

namespace deepbindnet::client {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(50);
constexpr int kBarWidth = 24;

}  // namespace

std::string ProgressBar(double share, int width) {
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  std::string bar = absl::StrCat("[", std::string(filled, '#'));
  if (filled < width) absl::StrAppend(&bar, ">", std::string(width - filled - 1, '.'));
  return absl::StrCat(bar, "]");
}

Console::Console(std::ostream* out, std::ostream* err, ConsoleMode mode, int columns, std::istream* in)
    : out_(out), err_(err), mode_(mode), columns_(std::max(columns, 20)), in_(in) {}

Console::~Console() { ClearProgress(); }

void Console::Line(absl::string_view text) {
  if (json()) return;
  ClearProgress();
  *out_ << text << std::endl;
}

void Console::Table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) widths.push_back(cell.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      absl::StrAppend(&line, row[i], last ? "" : std::string(widths[i] - row[i].size() + 2, ' '));
    }
    Line(line);
  };
  print(header);
  for (const auto& row : rows) print(row);
}

void Console::Json(const nlohmann::ordered_json& object) {
  if (!json()) return;
  *out_ << object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
}

void Console::Progress(absl::string_view label, double done, double total, absl::string_view detail) {
  if (mode_ != ConsoleMode::kTerminal) return;
  const absl::Time now = absl::Now();
  if (bar_drawn_ && now - last_drawn_ < kRedrawInterval && done < total) return;
  std::string line = total > 0 ? absl::StrFormat("%s %s %3.0f%%", label, ProgressBar(done / total, kBarWidth),
                                                 100.0 * std::min(done / total, 1.0))
                               : std::string(label);
  if (!detail.empty()) absl::StrAppend(&line, "  ", detail);
  line.resize(std::min<size_t>(line.size(), columns_ - 1));  // A line that wraps could not be erased.
  *out_ << "\r\x1b[K" << line << std::flush;
  bar_drawn_ = true;
  last_drawn_ = now;
}

void Console::ClearProgress() {
  if (!bar_drawn_) return;
  *out_ << "\r\x1b[K" << std::flush;
  bar_drawn_ = false;
}

void Console::Note(absl::string_view text) {
  ClearProgress();
  *err_ << "note: " << text << std::endl;
}

void Console::Warning(absl::string_view text) {
  ClearProgress();
  *err_ << "warning: " << text << std::endl;
}

void Console::Error(const absl::Status& status) {
  ClearProgress();
  *err_ << "error: " << ErrorLine(status) << std::endl;
  if (!IsJobEndError(status)) Json(ErrorJson(status));
}

bool Console::Ask(absl::string_view question) {
  ClearProgress();
  *err_ << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(*in_, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  return answer == "y" || answer == "yes";
}

}  // namespace deepbindnet::client
