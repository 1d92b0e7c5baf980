#include "server/auth/socket_addresses.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace deepbindnet {

std::vector<std::string> SocketAddresses(const std::string& address) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  // Numeric IPv6 addresses have more colons.
  if (colon == std::string::npos || host.empty() || absl::StrContains(host, ':')) return {address};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* resolved = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &resolved) != 0) return {address};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(resolved, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* one = resolved; one != nullptr; one = one->ai_next) {
    char numeric[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, numeric, sizeof(numeric), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    const std::string with_port = one->ai_family == AF_INET6 ? absl::StrCat("[", numeric, "]", address.substr(colon))
                                                             : absl::StrCat(numeric, address.substr(colon));
    if (std::find(addresses.begin(), addresses.end(), with_port) == addresses.end()) addresses.push_back(with_port);
  }
  if (addresses.empty()) addresses.push_back(address);
  return addresses;
}

std::string WithPort(const std::string& address, int port) {
  absl::string_view host = address;
  if (port == 0 || !absl::ConsumeSuffix(&host, ":0")) return address;
  return absl::StrCat(host, ":", port);
}

}  // namespace deepbindnet
