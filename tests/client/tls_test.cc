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

// Signed by itself, for 127.0.0.1, valid for an hour.
Certificate MakeCertificate() {
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
       {std::pair(NID_subject_alt_name, "IP:127.0.0.1"), {NID_basic_constraints, "CA:TRUE"}}) {
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
  TlsTest() : ca_path_((std::filesystem::temp_directory_path() / absl::StrCat("dbn_tls_", getpid(), ".pem")).string()) {
    service_.server_status = [](v1::ServerStatus* status) {
      status->set_version("9.9");
      return grpc::Status::OK;
    };
    const Certificate certificate = MakeCertificate();
    std::ofstream(ca_path_) << certificate.certificate_pem;
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back({certificate.key_pem, certificate.certificate_pem});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~TlsTest() override {
    server_->Shutdown();
    std::filesystem::remove(ca_path_);
  }

  ExitCode Status(std::vector<std::string> options) {
    Console console(&out_, &err_, ConsoleMode::kPlain);
    options.insert(options.end(), {"--server", absl::StrCat("127.0.0.1:", port_), "server", "status"});
    return RunCli(options, &console, nullptr);
  }

  const std::string ca_path_;
  int port_ = 0;
  FakeService service_;
  std::unique_ptr<grpc::Server> server_;
  std::ostringstream out_, err_;
};

TEST_F(TlsTest, AnAuthorityThatIsGivenIsTrusted) {
  EXPECT_EQ(Status({"--tls-ca", ca_path_}), ExitCode::kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("version 9.9"));
}

TEST_F(TlsTest, AnUnknownAuthorityIsNotTrusted) {
  EXPECT_EQ(Status({"--tls"}), ExitCode::kUnreachable);
  EXPECT_THAT(out_.str(), testing::IsEmpty());
}

TEST_F(TlsTest, AServerWithTlsDoesNotAnswerWithoutIt) { EXPECT_EQ(Status({}), ExitCode::kUnreachable); }

TEST_F(TlsTest, AMissingAuthorityFileIsWrongUsage) {
  EXPECT_EQ(Status({"--tls-ca", "/nowhere.pem"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--tls-ca: /nowhere.pem"));
}

}  // namespace
}  // namespace deepbindnet::client
