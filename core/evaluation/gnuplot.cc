#include "core/evaluation/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace {

constexpr char kScript[] = "script.gp";
constexpr char kLog[] = "gnuplot.log";

// Starts `gnuplot -d script.gp` in `directory` and returns its process id.
absl::StatusOr<pid_t> Spawn(const std::string& directory) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const absl::Cleanup destroy = [&actions] { posix_spawn_file_actions_destroy(&actions); };
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, kLog, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);

  std::string program = "gnuplot";
  std::string defaults = "-d";
  std::string script = kScript;
  std::array<char*, 4> arguments = {program.data(), defaults.data(), script.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments.data(), environ);
  if (error == 0) return child;
  if (error == ENOENT || error == EACCES) {
    return WithReason(absl::UnavailableError("gnuplot is not installed, so the charts cannot be drawn; install the "
                                             "package gnuplot-nox and compare again"),
                      "GNUPLOT_MISSING");
  }
  return absl::InternalError(absl::StrCat("cannot start gnuplot: ", std::strerror(error)));
}

std::string LastLine(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipWhitespace());
  return lines.empty() ? "it said nothing" : std::string(absl::StripAsciiWhitespace(lines.back()));
}

}  // namespace

absl::Status RunGnuplot(const std::string& directory, absl::string_view script) {
  DBN_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(directory, "/", kScript), script));
  DBN_ASSIGN_OR_RETURN(const pid_t child, Spawn(directory));
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return absl::InternalError(absl::StrCat("cannot wait for gnuplot: ", std::strerror(errno)));
  }
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return absl::OkStatus();
  const absl::StatusOr<std::string> log = ReadFile(absl::StrCat(directory, "/", kLog));
  return absl::InternalError(absl::StrCat("gnuplot failed: ", log.ok() ? LastLine(*log) : "it left no log"));
}

std::string GnuplotQuote(absl::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      quoted += ' ';
    } else if (c == '\'' || c == '`') {
      quoted += "\xE2\x80\x99";  // An apostrophe that ends nothing.
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace deepbindnet
