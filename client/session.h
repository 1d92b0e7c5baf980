// What every command is given.
#ifndef DEEPBINDNET_CLIENT_SESSION_H_
#define DEEPBINDNET_CLIENT_SESSION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/console.h"
#include "client/interrupt.h"

namespace deepbindnet::client {

class Session {
 public:
  // Both must outlive the session; `interrupt` may be null.
  Session(Console* console, Interrupt* interrupt) : console_(console), interrupt_(interrupt) {}

  // Filled by the command line before Connect().
  ConnectionOptions* mutable_connection_options() { return &connection_options_; }

  // Warns where the token's file is open to all.
  absl::Status Connect();

  Console* console() { return console_; }
  Interrupt* interrupt() { return interrupt_; }
  Connection* connection() { return connection_.get(); }  // After Connect().

  // "deepbindnet [connection options] <words>", quoted for a shell: a command line that reaches the same server in the
  // same way.
  std::string CommandLine(const std::vector<std::string>& words) const;

 private:
  Console* const console_;
  Interrupt* const interrupt_;
  ConnectionOptions connection_options_;
  std::unique_ptr<Connection> connection_;
};

// `word` as a POSIX shell reads it back, in single quotes where it has to be.
std::string QuoteForShell(absl::string_view word);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_SESSION_H_
