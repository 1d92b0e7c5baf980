// A connection through TLS, with an authority made on the spot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli.h"
#include "tests/client/fake_service.h"
#include "tests/support/certificates.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  TlsTest()
      : directory_(std::filesystem::temp_directory_path() / absl::StrCat("dbn_tls_", getpid())),
        client_certificate_(SelfSigned("DNS:client")) {
    std::filesystem::create_directories(directory_);
    service_.server_status = [](v1::ServerStatus* status) {
      status->set_version("9.9");
      return grpc::Status::OK;
    };
    Write("client.pem", client_certificate_.certificate);
    Write("client.key", client_certificate_.key);
    Start(SelfSigned("IP:127.0.0.1"));
    Write("ca.pem", server_certificate_pem_);
  }
  ~TlsTest() override {
    server_->Shutdown();
    std::filesystem::remove_all(directory_);
  }

  // A server with this certificate; one that asks for a client's wants client_certificate_.
  void Start(const Certificate& certificate, bool ask_client = false) {
    grpc::SslServerCredentialsOptions options(ask_client ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                         : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    options.pem_key_cert_pairs.push_back({certificate.key, certificate.certificate});
    options.pem_root_certs = client_certificate_.certificate;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterService(&service_);
    if (server_ != nullptr) server_->Shutdown();
    server_ = builder.BuildAndStart();
    server_certificate_pem_ = certificate.certificate;
  }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }

  ExitCode Status(std::vector<std::string> options, const std::string& server = "") {
    out_.str("");
    err_.str("");
    Console console(&out_, &err_, ConsoleMode::kPlain);
    const std::string address = server.empty() ? absl::StrCat("127.0.0.1:", port_) : server;
    options.insert(options.end(), {"--server", address, "server", "status"});
    return RunCli(options, &console, nullptr);
  }

  const std::filesystem::path directory_;
  const Certificate client_certificate_;
  std::string server_certificate_pem_;
  int port_ = 0;
  FakeService service_;
  std::unique_ptr<grpc::Server> server_;
  std::ostringstream out_, err_;
};

TEST_F(TlsTest, AnAuthorityThatIsGivenIsTrusted) {
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem")}), ExitCode::kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("version 9.9"));
}

TEST_F(TlsTest, AnUnknownAuthorityIsNotTrusted) {
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"--tls"}, {"--tls-ca", Path("client.pem")}}) {
    EXPECT_EQ(Status(options), ExitCode::kUnreachable);
    EXPECT_THAT(out_.str(), testing::IsEmpty());
    EXPECT_THAT(err_.str(), AllOf(HasSubstr("authority that is not trusted here"), HasSubstr("--tls-ca FILE")));
  }
}

TEST_F(TlsTest, AServerWithTlsDoesNotAnswerWithoutIt) {
  EXPECT_EQ(Status({}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("if it speaks TLS, add --tls"));
}

TEST_F(TlsTest, AServerWithoutTlsIsToldFromOneThatIsNotThere) {
  FakeServer plain(&service_);
  EXPECT_EQ(Status({"--tls"}, plain.address()), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("it does not speak TLS"), HasSubstr("leave out --tls")));
  EXPECT_EQ(Status({"--tls"}, "127.0.0.1:1"), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("Connection refused"));
}

TEST_F(TlsTest, TheNameInTheCertificateCanBeGiven) {
  Start(SelfSigned("DNS:affinity.example"));
  Write("ca.pem", server_certificate_pem_);
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem")}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("is for another name"), HasSubstr("--tls-server-name NAME")));
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem"), "--tls-server-name", "affinity.example"}), ExitCode::kDone)
      << err_.str();
}

TEST_F(TlsTest, AClientShowsItsCertificateWhereTheServerAsksForOne) {
  Start(SelfSigned("IP:127.0.0.1"), /*ask_client=*/true);
  Write("ca.pem", server_certificate_pem_);
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem"), "--tls-cert", Path("client.pem"), "--tls-key", Path("client.key")}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem")}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("broke off the TLS handshake"), HasSubstr("--tls-cert FILE")));
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreWrongUsageThatNamesTheOption) {
  const std::string other_key = Write("other.key", SelfSigned("DNS:x").key);
  const std::string text = Write("text.pem", "no certificate");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--tls-ca", "/nowhere.pem"}, "--tls-ca: /nowhere.pem cannot be read"},
      {{"--tls-ca", text}, "--tls-ca: " + text + " has no certificate"},
      {{"--tls-cert", Path("client.pem")}, "--tls-cert: needs --tls-key"},
      {{"--tls-key", Path("client.key")}, "--tls-key: needs --tls-cert"},
      {{"--tls-cert", text, "--tls-key", Path("client.key")}, "--tls-cert: " + text + " has no certificate"},
      {{"--tls-cert", Path("client.pem"), "--tls-key", text}, "--tls-key: " + text + " has no private key"},
      {{"--tls-cert", Path("client.pem"), "--tls-key", other_key}, "--tls-key: " + other_key + " is not the key"},
  };
  for (const auto& [options, message] : cases) {
    EXPECT_EQ(Status(options), ExitCode::kUsage) << message;
    EXPECT_THAT(err_.str(), HasSubstr(message));
  }
}

TEST_F(TlsTest, TheEnvironmentNamesFilesToo) {
  setenv("DEEPBINDNET_TLS_CA", Path("ca.pem").c_str(), 1);
  EXPECT_EQ(Status({}), ExitCode::kDone) << err_.str();
  setenv("DEEPBINDNET_TLS_CERT", Path("client.pem").c_str(), 1);
  setenv("DEEPBINDNET_TLS_KEY", "/nowhere.key", 1);
  EXPECT_EQ(Status({}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--tls-key: /nowhere.key"));
  EXPECT_EQ(Status({"--tls-key", Path("client.key")}), ExitCode::kDone) << err_.str();
  setenv("DEEPBINDNET_TLS_SERVER_NAME", "other", 1);
  EXPECT_EQ(Status({"--tls-key", Path("client.key")}), ExitCode::kUnreachable);
  for (const char* name :
       {"DEEPBINDNET_TLS_CA", "DEEPBINDNET_TLS_CERT", "DEEPBINDNET_TLS_KEY", "DEEPBINDNET_TLS_SERVER_NAME"}) {
    unsetenv(name);
  }
  setenv("DEEPBINDNET_TLS", "1", 1);
  EXPECT_EQ(Status({}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("--tls-ca FILE"));
  unsetenv("DEEPBINDNET_TLS");
}

}  // namespace
}  // namespace deepbindnet::client
