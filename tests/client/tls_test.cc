// A connection through TLS, with an authority made on the spot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli.h"
#include "tests/client/fake_service.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
};

template <typename Write>
std::string ToPem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

// Signed by itself, for `alternative_name`, valid for an hour.
Certificate MakeCertificate(const char* alternative_name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key.get());
  X509_NAME* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  for (const auto& [nid, value] :
       {std::pair(NID_subject_alt_name, alternative_name), {NID_basic_constraints, "CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509.get(), key.get(), EVP_sha256());
  return {ToPem([&](BIO* bio) { PEM_write_bio_X509(bio, x509.get()); }),
          ToPem([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

class TlsTest : public testing::Test {
 protected:
  TlsTest()
      : directory_(std::filesystem::temp_directory_path() / absl::StrCat("dbn_tls_", getpid())),
        client_certificate_(MakeCertificate("DNS:client")) {
    std::filesystem::create_directories(directory_);
    service_.server_status = [](v1::ServerStatus* status) {
      status->set_version("9.9");
      return grpc::Status::OK;
    };
    Write("client.pem", client_certificate_.certificate_pem);
    Write("client.key", client_certificate_.key_pem);
    Start(MakeCertificate("IP:127.0.0.1"));
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
    options.pem_key_cert_pairs.push_back({certificate.key_pem, certificate.certificate_pem});
    options.pem_root_certs = client_certificate_.certificate_pem;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterService(&service_);
    if (server_ != nullptr) server_->Shutdown();
    server_ = builder.BuildAndStart();
    server_certificate_pem_ = certificate.certificate_pem;
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
  Start(MakeCertificate("DNS:affinity.example"));
  Write("ca.pem", server_certificate_pem_);
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem")}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("is for another name"), HasSubstr("--tls-server-name NAME")));
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem"), "--tls-server-name", "affinity.example"}), ExitCode::kDone)
      << err_.str();
}

TEST_F(TlsTest, AClientShowsItsCertificateWhereTheServerAsksForOne) {
  Start(MakeCertificate("IP:127.0.0.1"), /*ask_client=*/true);
  Write("ca.pem", server_certificate_pem_);
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem"), "--tls-cert", Path("client.pem"), "--tls-key", Path("client.key")}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(Status({"--tls-ca", Path("ca.pem")}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("broke off the TLS handshake"), HasSubstr("--tls-cert FILE")));
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreWrongUsageThatNamesTheOption) {
  const std::string other_key = Write("other.key", MakeCertificate("DNS:x").key_pem);
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
