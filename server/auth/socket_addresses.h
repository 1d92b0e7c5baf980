// The addresses that a server's HOST:PORT stands for.
#ifndef DEEPBINDNET_SERVER_AUTH_SOCKET_ADDRESSES_H_
#define DEEPBINDNET_SERVER_AUTH_SOCKET_ADDRESSES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// "127.0.0.1:80" and "[::1]:80" for "localhost:80", each once and at least one. Numeric addresses and what is not
// HOST:PORT ("unix:...") or cannot be resolved stay as they are. May block on the network where it resolves a name.
std::vector<std::string> SocketAddresses(const std::string& address);

// `address` with `port` in place of the port 0; unchanged where it has another one, or where `port` is 0.
std::string WithPort(const std::string& address, int port);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_SOCKET_ADDRESSES_H_
