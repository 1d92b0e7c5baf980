// deepbindnet-server: see --help.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/mutex.h"
#include "server/config.h"
#include "server/logging/logging.h"
#include "server/runtime/runtime.h"
#include "server/server.h"

namespace deepbindnet {
namespace {

void Print(FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

sigset_t SetOf(std::initializer_list<int> members) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : members) sigaddset(&signals, signal);
  return signals;
}

int WaitFor(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

int CheckConfiguration(const ServerConfig& config) {
  const absl::Status checked = Server::Check(config);
  Print(checked.ok() ? stdout : stderr,
        checked.ok() ? "the configuration is good\n" : absl::StrCat("error: ", checked.message(), "\n"));
  return checked.ok() ? 0 : 2;
}

// Ends the process however long the drain takes: at a second signal, and when the time is up. What is durable is so
// already.
void WatchDrain(int timeout_seconds) {
  std::thread([] { _exit(128 + WaitFor(SetOf({SIGTERM, SIGINT}))); }).detach();
  std::thread([timeout_seconds] {
    absl::SleepFor(absl::Seconds(timeout_seconds));
    Log(LogLevel::kWarning, "the drain timeout has passed; stopping at once");
    _exit(0);
  }).detach();
}

std::string HostOf(const std::string& address) { return address.substr(0, address.rfind(':')); }

std::string ReadyLine(const ServerConfig& config, const Server::Ports& ports) {
  const std::string metrics = ports.metrics == 0
                                  ? "metrics off"
                                  : absl::StrCat("metrics on ", HostOf(config.metrics_listen), ":", ports.metrics);
  return absl::StrCat("listening on ", HostOf(config.listen), ":", ports.grpc, ", ", metrics, "\n");
}

int Run(int argc, char** argv) {
  const CommandLine command_line =
      ParseCommandLine(std::vector<std::string>(argv + 1, argv + argc), DEEPBINDNET_VERSION);
  if (command_line.subcommand != nullptr) return command_line.subcommand();
  if (!command_line.config.has_value()) {
    const bool failed = command_line.exit_code != 0;
    Print(failed ? stderr : stdout, absl::StrCat(command_line.text, failed ? "\n" : ""));
    return command_line.exit_code;
  }
  const ServerConfig& config = *command_line.config;
  if (command_line.check_only) return CheckConfiguration(config);
  ConfigureLogging(config.log_format, config.log_level);
  // Before the first thread: all inherit it, so that only sigwait takes these signals.
  const sigset_t signals = SetOf({SIGTERM, SIGINT, SIGHUP});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Whoever started this may have ignored it, and the kernel would keep the workers' exit codes from us.
  signal(SIGCHLD, SIG_DFL);

  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config);
  if (!server.ok()) {
    Print(stderr, absl::StrCat("error: ", server.status().message(), "\n"));
    return 1;
  }
  Print(stdout, ReadyLine(config, (*server)->ports()));
  int signal = WaitFor(signals);
  for (; signal == SIGHUP; signal = WaitFor(signals)) (*server)->Reload();
  Log(LogLevel::kInfo, "draining", {{"signal", strsignal(signal)}});
  WatchDrain(config.drain_timeout_seconds);
  (*server)->Drain(absl::Now() + absl::Seconds(config.drain_timeout_seconds));
  Log(LogLevel::kInfo, "stopped");
  // Nothing is left to do that matters, and closing the metrics port alone would take the HTTP server two seconds.
  server->release();
  return 0;
}

}  // namespace
}  // namespace deepbindnet

int main(int argc, char** argv) {
  deepbindnet::PrepareProcess(argc, argv);
  const int code = deepbindnet::Run(argc, argv);
  // Threads that watch the drain are still there: no static destructors under their feet.
  std::fflush(nullptr);
  _exit(code);
}
