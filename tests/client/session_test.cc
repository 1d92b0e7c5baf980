#include "client/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace deepbindnet::client {
namespace {

TEST(QuoteForShellTest, QuotesOnlyWhereItHasTo) {
  EXPECT_EQ(QuoteForShell("127.0.0.1:50051"), "127.0.0.1:50051");
  EXPECT_EQ(QuoteForShell("/etc/ca.pem"), "/etc/ca.pem");
  EXPECT_EQ(QuoteForShell(""), "''");
  EXPECT_EQ(QuoteForShell("my dir"), "'my dir'");
  EXPECT_EQ(QuoteForShell("$(x)"), "'$(x)'");
  EXPECT_EQ(QuoteForShell("it's"), "'it'\\''s'");
  EXPECT_EQ(QuoteForShell("~"), "'~'");
}

TEST(SessionTest, ACommandLineCarriesEveryConnectionOption) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  Session session(&console, nullptr);
  EXPECT_EQ(session.CommandLine({"jobs", "watch", "1"}), "deepbindnet jobs watch 1");
  ConnectionOptions* options = session.mutable_connection_options();
  options->server = "gpu:1";
  options->tls = true;
  options->tls_ca = "my ca.pem";
  options->tls_cert = "client.pem";
  options->tls_key = "client.key";
  options->tls_server_name = "affinity.example";
  options->token_file = "token";
  options->insecure = true;
  EXPECT_EQ(session.CommandLine({"jobs", "watch", "1"}),
            "deepbindnet --server gpu:1 --tls --tls-ca 'my ca.pem' --tls-cert client.pem --tls-key client.key "
            "--tls-server-name affinity.example --token-file token --insecure jobs watch 1");
}

TEST(SessionTest, ACommandLineNamesTheUsualServerWhereTheEnvironmentNamesAnother) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  Session session(&console, nullptr);
  setenv("DEEPBINDNET_SERVER", "gpu:1", 1);
  EXPECT_EQ(session.CommandLine({"jobs", "list"}), "deepbindnet --server 127.0.0.1:50051 jobs list");
  unsetenv("DEEPBINDNET_SERVER");
}

}  // namespace
}  // namespace deepbindnet::client
