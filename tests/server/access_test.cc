// Who may call what: every method, in every role, and in every way of not being let in, against the table of
// docs/access.md.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/file.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "server/auth/roles.h"
#include "server/auth/token_file.h"
#include "server/server.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

constexpr absl::Duration kCallDeadline = absl::Seconds(60);

// One that calls.
struct Client {
  std::string title;  // As the table's column is called.
  std::shared_ptr<grpc::Channel> channel;
  std::string token;  // Empty: none.
};

// How one call of any shape ends that sends one empty message.
grpc::StatusCode CallEmpty(const Client& client, const std::string& method) {
  grpc::GenericStub stub(client.channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallDeadline));
  if (!client.token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", client.token));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, method, &queue);
  grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  // Whether the operation that was started did its work.
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  if (await()) {
    call->WriteLast(request, grpc::WriteOptions(), nullptr);
    await();
  }
  do {
    call->Read(&response, nullptr);
  } while (await());
  call->Finish(&status, nullptr);
  await();
  return status.error_code();
}

class AccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Certificate server_certificate = authority_.Issue("server");
    WriteTestFile(dir_ / "server.pem", server_certificate.certificate);
    WriteTestFile(dir_ / "server.key", server_certificate.key);
    WriteTestFile(dir_ / "ca.pem", authority_.pem());
    for (const auto& [name, role] : std::vector<std::pair<std::string, v1::Role>>{
             {"viewer", v1::VIEWER}, {"submitter", v1::SUBMITTER}, {"admin", v1::ADMIN}}) {
      ASSERT_OK_AND_ASSIGN(tokens_[name], NewToken());
      ASSERT_THAT(AddToken(dir_ / "tokens", {name, role, HashToken(tokens_[name]), {}}), IsOk());
    }
    ServerConfig config;
    config.listen = "127.0.0.1:0";
    config.metrics_listen = "off";
    config.data_dir = dir_ / "data";
    config.worker_binary = "/bin/true";
    config.device = "cpu";
    config.tls_cert = dir_ / "server.pem";
    config.tls_key = dir_ / "server.key";
    config.tls_client_ca = dir_ / "ca.pem";
    config.tokens_file = dir_ / "tokens";
    config.log_level = LogLevel::kError;
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(config));
  }

  std::shared_ptr<grpc::Channel> Connect(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->ports().grpc), credentials);
  }
  // `identity` may be null.
  std::shared_ptr<grpc::Channel> ConnectTls(const Authority& trusted, const Certificate* identity) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = trusted.pem();
    if (identity != nullptr) {
      options.pem_cert_chain = identity->certificate;
      options.pem_private_key = identity->key;
    }
    return Connect(grpc::SslCredentials(options));
  }

  // All with the admin's token but those whose token is the matter.
  std::vector<Client> Clients() {
    const Certificate client = authority_.Issue("client");
    const Certificate foreign = other_authority_.Issue("client");
    const auto good = ConnectTls(authority_, &client);
    return {{"no TLS", Connect(grpc::InsecureChannelCredentials()), tokens_["admin"]},
            {"wrong CA", ConnectTls(other_authority_, &client), tokens_["admin"]},
            {"no client certificate", ConnectTls(authority_, nullptr), tokens_["admin"]},
            {"client certificate of another CA", ConnectTls(authority_, &foreign), tokens_["admin"]},
            {"no token", good, ""},
            {"bad token", good, "dbn_guessed"},
            {"viewer", good, tokens_["viewer"]},
            {"submitter", good, tokens_["submitter"]},
            {"admin", good, tokens_["admin"]}};
  }

  // Full names, in the API's order; then those that need no token.
  static std::vector<std::string> Methods() {
    std::vector<std::string> methods;
    for (int i = 0; i < ApiService().method_count(); ++i) methods.push_back(FullMethodName(*ApiService().method(i)));
    methods.push_back("/grpc.health.v1.Health/Check");
    methods.push_back("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
    return methods;
  }

  const TempDir dir_;
  const Authority authority_{"ours"};
  const Authority other_authority_{"theirs"};
  std::map<std::string, std::string> tokens_;
  std::unique_ptr<Server> server_;
};

TEST_F(AccessTest, IsAsTheTableSays) {
  const std::vector<Client> clients = Clients();
  std::vector<std::string> titles = {"method"};
  for (const Client& client : clients) titles.push_back(client.title);
  std::string table = absl::StrCat("| ", absl::StrJoin(titles, " | "), " |\n|");
  for (size_t i = 0; i < titles.size(); ++i) absl::StrAppend(&table, " --- |");
  for (const std::string& method : Methods()) {
    absl::StrAppend(&table, "\n| `", method.substr(method.rfind('/') + 1), "` |");
    for (const Client& client : clients) {
      const auto code = static_cast<absl::StatusCode>(CallEmpty(client, method));
      const bool refused = code == absl::StatusCode::kUnauthenticated || code == absl::StatusCode::kUnavailable ||
                           code == absl::StatusCode::kPermissionDenied;
      // What an empty message means to a method is not the matter here.
      absl::StrAppend(&table, " ", refused ? absl::StatusCodeToString(code) : "let in", " |");
    }
  }
  std::cout << table << std::endl;
  ASSERT_OK_AND_ASSIGN(const std::string documented, ReadFile(DEEPBINDNET_DOCS "/access.md"));
  EXPECT_THAT(documented, ::testing::HasSubstr(table + "\n"));
}

TEST_F(AccessTest, ATokenThatIsTakenAwayIsRefusedAfterAReload) {
  const Certificate certificate = authority_.Issue("client");
  const Client client = {"", ConnectTls(authority_, &certificate), tokens_["viewer"]};
  constexpr char kMethod[] = "/deepbindnet.v1.DeepBindNet/ListJobs";
  EXPECT_EQ(CallEmpty(client, kMethod), grpc::StatusCode::OK);
  ASSERT_THAT(RemoveToken(dir_ / "tokens", "viewer"), IsOk());
  EXPECT_EQ(CallEmpty(client, kMethod), grpc::StatusCode::OK);
  server_->Reload();
  EXPECT_EQ(CallEmpty(client, kMethod), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(AccessTest, ANewCertificateIsShownAfterAReloadAndABadOneIsNot) {
  const Certificate certificate = authority_.Issue("client");
  constexpr char kMethod[] = "/deepbindnet.v1.DeepBindNet/ListJobs";
  const Certificate renewed = other_authority_.Issue("server");
  WriteTestFile(dir_ / "server.pem", renewed.certificate);
  server_->Reload();  // The key is another's.
  EXPECT_EQ(CallEmpty({"", ConnectTls(authority_, &certificate), tokens_["admin"]}, kMethod), grpc::StatusCode::OK);
  WriteTestFile(dir_ / "server.key", renewed.key);
  server_->Reload();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = other_authority_.pem();
  options.pem_cert_chain = certificate.certificate;
  options.pem_private_key = certificate.key;
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->ports().grpc), SslCredentials(options));
  EXPECT_EQ(CallEmpty({"", channel, tokens_["admin"]}, kMethod), grpc::StatusCode::OK);
}

}  // namespace
}  // namespace deepbindnet
