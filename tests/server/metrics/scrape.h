// Reads /metrics as Prometheus does.
#ifndef DEEPBINDNET_TESTS_SERVER_METRICS_SCRAPE_H_
#define DEEPBINDNET_TESTS_SERVER_METRICS_SCRAPE_H_

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace deepbindnet {

// The response of http://127.0.0.1:PORT/metrics with its header; empty where nobody answers.
inline std::string Scrape(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string response;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    (void)!write(fd, request.data(), request.size());
    char block[4096];
    for (ssize_t count = read(fd, block, sizeof(block)); count > 0; count = read(fd, block, sizeof(block))) {
      response.append(block, static_cast<size_t>(count));
    }
  }
  close(fd);
  return response;
}

inline std::string BodyOf(const std::string& response) {
  const size_t end = response.find("\r\n\r\n");
  return end == std::string::npos ? "" : response.substr(end + 4);
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_METRICS_SCRAPE_H_
