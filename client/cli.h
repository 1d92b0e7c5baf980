// The command line as a whole.
#ifndef DEEPBINDNET_CLIENT_CLI_H_
#define DEEPBINDNET_CLIENT_CLI_H_

#include <string>
#include <vector>

#include "client/console.h"
#include "client/error.h"
#include "client/interrupt.h"

namespace deepbindnet::client {

// Runs the command that `arguments` (without the program's name) ask for, prints what it says and returns the exit
// code. Blocks until it is done. `interrupt` may be null.
ExitCode RunCli(const std::vector<std::string>& arguments, Console* console, Interrupt* interrupt);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_CLI_H_
