// deepbindnet-healthcheck [HOST:PORT]: exit code 0 when the server there is SERVING, 1 when it is not, 2 on wrong
// usage. For containers and supervisors; needs nothing but gRPC. Without an argument: $DEEPBINDNET_SERVER, else this
// machine at the port of $DEEPBINDNET_LISTEN, where the server beside it listens, else 127.0.0.1:50051.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "deploy/healthcheck/health_probe.h"

namespace {

constexpr char kUsage[] = "usage: deepbindnet-healthcheck [HOST:PORT]\n";

// Below the five seconds that the container's HEALTHCHECK waits.
constexpr std::chrono::milliseconds kTimeout(4000);

std::string DefaultServer() {
  if (const char* server = std::getenv("DEEPBINDNET_SERVER")) return server;
  const char* listen = std::getenv("DEEPBINDNET_LISTEN");
  const char* port = listen != nullptr ? std::strrchr(listen, ':') : nullptr;
  return std::string("127.0.0.1") + (port != nullptr ? port : ":50051");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string argument = argc > 1 ? argv[1] : "";
  if (argument == "--help" || argument == "-h") {
    std::cout << kUsage;
    return 0;
  }
  if (argc > 2 || (argc == 2 && (argument.empty() || argument[0] == '-'))) {
    std::cerr << kUsage;
    return 2;
  }
  const std::string server = argument.empty() ? DefaultServer() : argument;
  const auto channel = grpc::CreateChannel(server, grpc::InsecureChannelCredentials());
  const grpc::Status status = deepbindnet::ProbeHealth(channel, /*service=*/"", kTimeout);
  if (!status.ok()) {
    std::cerr << server << ": " << status.error_message() << "\n";
    return 1;
  }
  std::cout << server << ": SERVING\n";
  return 0;
}
