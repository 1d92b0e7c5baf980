// deepbindnet-healthcheck [OPTIONS] [HOST:PORT]: exit code 0 when the server there is SERVING, 1 when it is not, 2 on
// wrong usage. For containers and supervisors: in the environment of a server it needs no arguments.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "deploy/healthcheck/channel.h"
#include "deploy/healthcheck/health_probe.h"

namespace {

// Below the five seconds that the container's HEALTHCHECK waits.
constexpr std::chrono::milliseconds kTimeout(4000);

constexpr char kFooter[] =
    "Without HOST:PORT: this machine, at the port of DEEPBINDNET_LISTEN or 50051. A server on this machine is not\n"
    "verified where --tls-cert and --tls-key alone ask for TLS: in a server's environment they are its own.\n"
    "Exit codes: 0 the server is SERVING, 1 it is not, 2 wrong usage.";

std::string ServerHere() {
  const char* listen = std::getenv("DEEPBINDNET_LISTEN");
  const char* port = listen != nullptr ? std::strrchr(listen, ':') : nullptr;
  return std::string("127.0.0.1") + (port != nullptr ? port : ":50051");
}

std::string HasPort(const std::string& server) {
  return server.find(':') != std::string::npos ? "" : "'" + server + "' is not HOST:PORT";
}

// Named as those of the command line `deepbindnet`.
void AddOptions(CLI::App* app, deepbindnet::ChannelOptions* options) {
  app->add_option("server", options->server, "The server to ask")
      ->type_name("HOST:PORT")
      ->check(CLI::Validator(HasPort, ""))
      ->envname("DEEPBINDNET_SERVER");
  app->add_flag("--tls", options->tls, "Check the server against the system's authorities")->envname("DEEPBINDNET_TLS");
  app->add_option("--tls-ca", options->tls_ca, "PEM file of authorities to check it against instead")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TLS_CA");
  app->add_option("--tls-cert", options->tls_cert, "PEM file of a certificate, for a server that asks for one")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TLS_CERT");
  app->add_option("--tls-key", options->tls_key, "PEM file of its key, without a passphrase")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TLS_KEY");
  app->add_option("--tls-server-name", options->tls_server_name, "Name that the server's certificate must have")
      ->type_name("NAME")
      ->envname("DEEPBINDNET_TLS_SERVER_NAME");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Asks a gRPC server's health service whether it is serving.", "deepbindnet-healthcheck");
  app.footer(kFooter);
  deepbindnet::ChannelOptions options;
  AddOptions(&app, &options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.server.empty()) options.server = ServerHere();
  // The status says it, and gRPC also logs a name that does not match where nobody asked for a name.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);

  const auto channel = deepbindnet::OpenChannel(options);
  if (!channel.ok()) {
    std::cerr << channel.status().message() << "\n";
    return 2;
  }
  const grpc::Status status = deepbindnet::ProbeHealth(*channel, /*service=*/"", kTimeout);
  if (!status.ok()) {
    std::cerr << options.server << ": " << status.error_message() << "\n";
    return 1;
  }
  std::cout << options.server << ": SERVING\n";
  return 0;
}
