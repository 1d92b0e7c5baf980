// deepbindnet: the command line of a DeepBindNet server.
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "client/cli.h"

namespace {

int TerminalColumns() {
  winsize size = {};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace deepbindnet::client;
  // gRPC writes failed connection attempts to standard error; the error line says it once.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  try {
    Interrupt interrupt;
    const ConsoleMode mode = isatty(STDOUT_FILENO) ? ConsoleMode::kTerminal : ConsoleMode::kPlain;
    std::istream* const answers = isatty(STDIN_FILENO) && isatty(STDERR_FILENO) ? &std::cin : nullptr;
    Console console(&std::cout, &std::cerr, mode, TerminalColumns(), answers);
    return static_cast<int>(RunCli(std::vector<std::string>(argv + 1, argv + argc), &console, &interrupt));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return static_cast<int>(ExitCode::kFailed);
  }
}
