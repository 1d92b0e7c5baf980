// Real connections to a real server on 127.0.0.1.
#include "server/auth/tls.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/file_descriptor.h"
#include "deepbindnet/v1/deepbindnet.grpc.pb.h"
#include "server/auth/socket_addresses.h"
#include "server/logging/logging.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Of a call that a broken machine would not answer.
constexpr std::chrono::seconds kDeadline{60};

// Answers with the caller's address, by which connections are told apart.
class PeerService final : public v1::DeepBindNet::Service {
  grpc::Status GetServerStatus(grpc::ServerContext* context, const v1::GetServerStatusRequest*,
                               v1::ServerStatus* status) override {
    status->set_version(context->peer());
    return grpc::Status::OK;
  }
};

class TlsIdentityTest : public testing::Test {
 protected:
  ~TlsIdentityTest() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  void Write(const Certificate& certificate) {
    options_.certificate = dir_.Write("server.pem", certificate.certificate);
    options_.key = dir_.Write("server.key", certificate.key);
  }

  void Start(const std::string& host = "127.0.0.1") {
    ASSERT_OK_AND_ASSIGN(identity_, TlsIdentity::Load(options_));
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(host + ":0", identity_->credentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_NE(port_, 0);
  }

  // A client with a connection of its own.
  std::unique_ptr<v1::DeepBindNet::Stub> Connect(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                                 const std::string& host = "127.0.0.1") const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return v1::DeepBindNet::NewStub(grpc::CreateCustomChannel(absl::StrCat(host, ":", port_), credentials, arguments));
  }

  std::unique_ptr<v1::DeepBindNet::Stub> Connect(const Authority& trusted,
                                                 const std::optional<Certificate>& own = std::nullopt,
                                                 const std::string& host = "127.0.0.1") const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted.pem();
    if (own.has_value()) {
      options.pem_cert_chain = own->certificate;
      options.pem_private_key = own->key;
    }
    return Connect(grpc::SslCredentials(options), host);
  }

  const Authority authority_{"authority"};
  const Authority other_authority_{"other"};
  const TempDir dir_;
  TlsOptions options_;
  std::unique_ptr<TlsIdentity> identity_;
  PeerService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

grpc::Status Call(v1::DeepBindNet::Stub* stub, std::string* peer, bool wait_for_ready) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  context.set_wait_for_ready(wait_for_ready);
  v1::ServerStatus status;
  const grpc::Status result = stub->GetServerStatus(&context, {}, &status);
  *peer = status.version();
  return result;
}

// The caller's address as the server sees it; empty where the call failed.
std::string PeerOf(const std::unique_ptr<v1::DeepBindNet::Stub>& stub) {
  std::string peer;
  const grpc::Status status = Call(stub.get(), &peer, true);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return peer;
}

grpc::StatusCode Refusal(const std::unique_ptr<v1::DeepBindNet::Stub>& stub) {
  std::string peer;
  return Call(stub.get(), &peer, false).error_code();
}

TEST_F(TlsIdentityTest, ServesClientsThatTrustItsAuthority) {
  Write(authority_.Issue("server"));
  Start();
  EXPECT_THAT(PeerOf(Connect(authority_)), HasSubstr("127.0.0.1"));
  EXPECT_EQ(Refusal(Connect(other_authority_)), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsIdentityTest, AClientWithoutTlsIsNotServed) {
  Write(authority_.Issue("server"));
  Start();
  EXPECT_EQ(Refusal(Connect(grpc::InsecureChannelCredentials())), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(PeerOf(Connect(authority_)), "");
}

TEST_F(TlsIdentityTest, WithAuthoritiesOfClientsACertificateOfOneIsRequired) {
  Write(authority_.Issue("server"));
  options_.client_ca = dir_.Write("clients.pem", other_authority_.pem());
  Start();
  EXPECT_EQ(Refusal(Connect(authority_)), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Refusal(Connect(authority_, authority_.Issue("of another authority"))), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Refusal(Connect(authority_, other_authority_.Issue("expired", absl::Hours(-2), absl::Hours(-1)))),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(PeerOf(Connect(authority_, other_authority_.Issue("client"))), "");
}

TEST_F(TlsIdentityTest, ReloadServesNewConnectionsWithTheNewCertificateAndKeepsOldOnes) {
  Write(authority_.Issue("old"));
  Start();
  const auto old = Connect(authority_);
  const std::string old_peer = PeerOf(old);
  ASSERT_NE(old_peer, "");

  Write(other_authority_.Issue("new"));
  ASSERT_THAT(identity_->Reload(), IsOk());
  EXPECT_NE(PeerOf(Connect(other_authority_)), "");
  EXPECT_EQ(Refusal(Connect(authority_)), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(PeerOf(old), old_peer);
}

TEST_F(TlsIdentityTest, ReloadTakesNewAuthoritiesOfClients) {
  Write(authority_.Issue("server"));
  options_.client_ca = dir_.Write("clients.pem", authority_.pem());
  Start();
  EXPECT_NE(PeerOf(Connect(authority_, authority_.Issue("client"))), "");
  dir_.Write("clients.pem", other_authority_.pem());
  ASSERT_THAT(identity_->Reload(), IsOk());
  EXPECT_NE(PeerOf(Connect(authority_, other_authority_.Issue("client"))), "");
  EXPECT_EQ(Refusal(Connect(authority_, authority_.Issue("client"))), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsIdentityTest, AReloadThatFailsChangesNothing) {
  Write(authority_.Issue("old"));
  Start();
  const absl::Time expires = identity_->expires();
  dir_.Write("server.pem", other_authority_.Issue("new").certificate);  // The key is still the old one's.
  EXPECT_THAT(identity_->Reload(), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                                           "--tls-key: " + options_.key + " is not the key"));
  EXPECT_NE(PeerOf(Connect(authority_)), "");
  EXPECT_EQ(Refusal(Connect(other_authority_)), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(identity_->expires(), expires);
}

// Whether this machine has the address ::1, which names may stand for even where it has not.
bool HasIpv6() {
  const FileDescriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

TEST_F(TlsIdentityTest, EachAddressOfANameIsServedAndRenewed) {
  Write(authority_.Issue("old"));
  Start("localhost");
  std::vector<std::string> hosts = {"127.0.0.1"};
  const std::vector<std::string> addresses = SocketAddresses("localhost:0");
  if (HasIpv6() && addresses.size() > 1) hosts.push_back("[::1]");
  for (const std::string& host : hosts) EXPECT_NE(PeerOf(Connect(authority_, std::nullopt, host)), "") << host;
  Write(other_authority_.Issue("new"));
  ASSERT_THAT(identity_->Reload(), IsOk());
  for (const std::string& host : hosts) EXPECT_NE(PeerOf(Connect(other_authority_, std::nullopt, host)), "") << host;
}

TEST_F(TlsIdentityTest, EveryPortIsRenewed) {
  Write(authority_.Issue("old"));
  ASSERT_OK_AND_ASSIGN(identity_, TlsIdentity::Load(options_));
  const auto credentials = identity_->credentials();
  int ports[2] = {0, 0};
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (int& port : ports) builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  Write(other_authority_.Issue("new"));
  ASSERT_THAT(identity_->Reload(), IsOk());
  for (const int port : ports) {
    port_ = port;
    EXPECT_NE(PeerOf(Connect(other_authority_)), "") << port;
  }
}

TEST_F(TlsIdentityTest, HandshakesSucceedWhileItIsReloaded) {
  const Certificate certificates[] = {authority_.Issue("a"), authority_.Issue("b")};
  Write(certificates[0]);
  Start();
  std::atomic<bool> done{false};
  std::thread reloader([&] {
    for (int i = 0; !done; ++i) {
      Write(certificates[i % 2]);
      EXPECT_THAT(identity_->Reload(), IsOk());
    }
  });
  for (int i = 0; i < 50; ++i) EXPECT_NE(PeerOf(Connect(authority_)), "");
  done = true;
  reloader.join();
}

// Whether a handshake with at most this version of TLS succeeds.
bool Handshakes(int port, int version) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);  // Else OpenSSL would not even offer TLS 1.1.
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), version);
  const unsigned char http2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), http2, sizeof(http2));
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(ssl.get(), socket.get());
  return SSL_connect(ssl.get()) == 1;
}

TEST_F(TlsIdentityTest, AClientNeedsTls12OrLater) {
  Write(authority_.Issue("server"));
  Start();
  EXPECT_FALSE(Handshakes(port_, TLS1_1_VERSION));
  EXPECT_TRUE(Handshakes(port_, TLS1_2_VERSION));
  EXPECT_TRUE(Handshakes(port_, TLS1_3_VERSION));
}

TEST_F(TlsIdentityTest, WarnsOfACertificateThatEndsWithinTwoWeeks) {
  ConfigureLogging(LogFormat::kText, LogLevel::kInfo);
  const auto log_of = [this](absl::Duration rest) {
    Write(authority_.Issue("server", absl::Hours(-1), rest));
    testing::internal::CaptureStderr();
    EXPECT_THAT(TlsIdentity::Load(options_), IsOk());
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(log_of(absl::Hours(13 * 24)), HasSubstr("expires soon"));
  EXPECT_THAT(log_of(absl::Hours(15 * 24)), Not(HasSubstr("expires soon")));
}

TEST_F(TlsIdentityTest, SaysWhenTheCertificateEnds) {
  Write(authority_.Issue("server", absl::Hours(-1), absl::Hours(48)));
  const absl::Time before = absl::Now();
  ASSERT_OK_AND_ASSIGN(const auto identity, TlsIdentity::Load(options_));
  EXPECT_GE(identity->expires(), before + absl::Hours(47));
  EXPECT_LE(identity->expires(), absl::Now() + absl::Hours(48));
}

}  // namespace
}  // namespace deepbindnet
