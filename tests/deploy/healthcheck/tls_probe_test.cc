// The library and the program against servers with TLS.
#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "deploy/healthcheck/channel.h"
#include "deploy/healthcheck/health_probe.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kTimeout(5000);

class TlsProbeTest : public ::testing::Test {
 protected:
  // A healthy server. With `client_ca`, clients must have a certificate of it.
  void Start(const Certificate& identity, const std::string& client_ca = "") {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::SslServerCredentialsOptions tls(client_ca.empty()
                                              ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                              : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_key_cert_pairs.push_back({identity.key, identity.certificate});
    tls.pem_root_certs = client_ca;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls), &port_);
    builder.RegisterCallbackGenericService(&other_calls_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    server_->GetHealthCheckService()->SetServingStatus(true);
  }

  ChannelOptions Options() const {
    ChannelOptions options;
    options.server = absl::StrCat("127.0.0.1:", port_);
    return options;
  }

  ChannelOptions WithIdentity(const Certificate& identity) const {
    ChannelOptions options = Options();
    options.tls_cert = directory_.Write("cert.pem", identity.certificate);
    options.tls_key = directory_.Write("key.pem", identity.key);
    return options;
  }

  static grpc::Status Probe(const ChannelOptions& options) {
    const auto channel = OpenChannel(options);
    EXPECT_TRUE(channel.ok()) << channel.status();
    return ProbeHealth(*channel, "", kTimeout);
  }

  // The program's exit code; `environment` is "NAME=value ..." for a shell, and all that it has.
  int Run(const std::string& environment, const std::string& arguments) const {
    const int status =
        std::system(absl::StrCat("env -i ", environment, " '", DEEPBINDNET_HEALTHCHECK, "' ", arguments).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const TempDir directory_;
  const Authority authority_{"authority"};
  int port_ = 0;
  grpc::CallbackGenericService other_calls_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(TlsProbeTest, WithAServersOwnFilesAServerHereIsNotVerified) {
  const Certificate identity = authority_.IssueFor("DNS:gpu-box");
  Start(identity);
  EXPECT_TRUE(Probe(WithIdentity(identity)).ok());
}

TEST_F(TlsProbeTest, ACertificateThatWasRenewedButNotYetReadIsNoFault) {
  Start(authority_.Issue("server"));
  EXPECT_TRUE(Probe(WithIdentity(Authority("another").Issue("server"))).ok());
}

TEST_F(TlsProbeTest, NorIsOneThatHasExpired) {
  const Certificate identity = authority_.Issue("server", absl::Hours(-2), absl::Hours(-1));
  Start(identity);
  EXPECT_TRUE(Probe(WithIdentity(identity)).ok());
}

TEST_F(TlsProbeTest, AServerThatIsNotPlainlyHereIsVerified) {
  const Certificate identity = authority_.Issue("server");
  Start(identity);
  ChannelOptions options = WithIdentity(identity);
  options.server = absl::StrCat("localhost:", port_);
  EXPECT_TRUE(Probe(options).ok());
  options.server = absl::StrCat("ipv4:127.0.0.1:", port_);
  EXPECT_EQ(Probe(options).error_code(), grpc::StatusCode::UNAVAILABLE);
  options.tls_ca = directory_.Write("ca.pem", authority_.pem());
  EXPECT_TRUE(Probe(options).ok());
}

TEST_F(TlsProbeTest, AServersOwnCertificateOpensItWhereOneAuthorityIssuesAll) {
  const Certificate identity = authority_.Issue("server");
  Start(identity, authority_.pem());
  EXPECT_TRUE(Probe(WithIdentity(identity)).ok());
}

TEST_F(TlsProbeTest, AServerThatAsksForACertificateOfAnotherAuthorityRefusesIt) {
  const Authority clients("clients");
  const Certificate identity = authority_.Issue("server");
  Start(identity, clients.pem());
  EXPECT_EQ(Probe(WithIdentity(identity)).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Probe(WithIdentity(clients.Issue("probe"))).ok());
}

TEST_F(TlsProbeTest, WithAnAuthorityTheServerIsVerified) {
  Start(authority_.Issue("server"));
  ChannelOptions options = Options();
  options.tls_ca = directory_.Write("ca.pem", authority_.pem());
  EXPECT_TRUE(Probe(options).ok());
  options.tls_ca = directory_.Write("ca.pem", Authority("another").pem());
  EXPECT_EQ(Probe(options).error_code(), grpc::StatusCode::UNAVAILABLE);
  options.tls_ca.clear();
  options.tls = true;
  EXPECT_EQ(Probe(options).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsProbeTest, AVerifiedServerMustHaveTheName) {
  Start(authority_.IssueFor("DNS:gpu-box"));
  ChannelOptions options = Options();
  options.tls_ca = directory_.Write("ca.pem", authority_.pem());
  EXPECT_EQ(Probe(options).error_code(), grpc::StatusCode::UNAVAILABLE);
  options.tls_server_name = "gpu-box";
  EXPECT_TRUE(Probe(options).ok());
}

TEST_F(TlsProbeTest, WithoutTlsAServerWithItDoesNotAnswer) {
  Start(authority_.Issue("server"));
  EXPECT_EQ(Probe(Options()).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsProbeTest, AFileThatCannotBeReadIsNamedWithItsOption) {
  ChannelOptions options = Options();
  options.tls_ca = directory_ / "none.pem";
  const absl::Status status = OpenChannel(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), absl::StrCat("--tls-ca: ", options.tls_ca, " cannot be read or is empty"));
}

TEST_F(TlsProbeTest, ACertificateNeedsItsKey) {
  ChannelOptions options = Options();
  options.tls_cert = directory_.Write("cert.pem", authority_.pem());
  const absl::Status status = OpenChannel(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("--tls-key"));
}

TEST_F(TlsProbeTest, TheProgramNeedsNoArgumentsInTheEnvironmentOfAServer) {
  const Certificate identity = authority_.IssueFor("DNS:gpu-box");
  Start(identity, authority_.pem());
  const ChannelOptions options = WithIdentity(identity);
  const std::string listen = absl::StrCat("DEEPBINDNET_LISTEN=0.0.0.0:", port_, " ");
  const std::string certificate = absl::StrCat("DEEPBINDNET_TLS_CERT='", options.tls_cert, "' ");
  const std::string key = absl::StrCat("DEEPBINDNET_TLS_KEY='", options.tls_key, "' ");
  EXPECT_EQ(Run(listen + certificate + key, ""), 0);
  EXPECT_EQ(Run(listen, ""), 1);
  EXPECT_EQ(Run(listen + certificate, ""), 2);
}

TEST_F(TlsProbeTest, TheProgramsOptionsGoBeforeTheEnvironment) {
  Start(authority_.IssueFor("DNS:gpu-box"));
  const std::string authorities = absl::StrCat("--tls-ca '", directory_.Write("ca.pem", authority_.pem()), "' ");
  const std::string environment = "DEEPBINDNET_TLS_SERVER_NAME=other DEEPBINDNET_SERVER=127.0.0.1:1";
  EXPECT_EQ(Run(environment, authorities + Options().server), 1);
  EXPECT_EQ(Run(environment, authorities + "--tls-server-name gpu-box " + Options().server), 0);
}

}  // namespace
}  // namespace deepbindnet
