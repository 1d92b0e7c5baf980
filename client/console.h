// What the client prints, in one of three modes: a terminal (with a progress bar), a pipe (plain lines) or JSON lines.
#ifndef DEEPBINDNET_CLIENT_CONSOLE_H_
#define DEEPBINDNET_CLIENT_CONSOLE_H_

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace deepbindnet::client {

enum class ConsoleMode { kTerminal, kPlain, kJson };

// Not thread-safe. Every line is flushed, so that a reader at the other end of a pipe sees it at once.
class Console {
 public:
  // The streams must outlive the console. `columns` is the terminal's width in characters; `in` is where a person
  // answers, null where there is none.
  Console(std::ostream* out, std::ostream* err, ConsoleMode mode, int columns = 80, std::istream* in = nullptr);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  ConsoleMode mode() const { return mode_; }
  void set_mode(ConsoleMode mode) { mode_ = mode; }
  bool json() const { return mode_ == ConsoleMode::kJson; }

  // For people, on standard output; nothing in JSON mode.
  void Line(absl::string_view text);
  // Columns aligned at their widest cell, under `header`; nothing in JSON mode.
  void Table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);
  // One object, one line; nothing outside JSON mode. Bytes that are not UTF-8 are replaced.
  void Json(const nlohmann::ordered_json& object);

  // Redraws the bar below the last line, at most 20 times a second; nothing outside a terminal. `total` 0: unknown.
  void Progress(absl::string_view label, double done, double total, absl::string_view detail);
  void ClearProgress();

  // On standard error in every mode: "note: ...", "warning: ...", "error: ...". In JSON mode an error is also an object
  // on standard output, so that a reader of the lines alone misses nothing; the end of a job has its own.
  void Note(absl::string_view text);
  void Warning(absl::string_view text);
  void Error(const absl::Status& status);

  // Asks on standard error and waits: true for "y" or "yes". Only where can_ask().
  bool can_ask() const { return in_ != nullptr; }
  bool Ask(absl::string_view question);

 private:
  std::ostream* const out_;
  std::ostream* const err_;
  ConsoleMode mode_;
  const int columns_;
  std::istream* const in_;
  bool bar_drawn_ = false;
  absl::Time last_drawn_ = absl::InfinitePast();
};

// "[#####>....]" of `width` characters between the brackets, for a share in [0, 1].
std::string ProgressBar(double share, int width);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_CONSOLE_H_
