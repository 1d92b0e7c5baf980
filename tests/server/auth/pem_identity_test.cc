#include "server/auth/pem_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/clock.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PemIdentityTest : public testing::Test {
 protected:
  PemIdentityTest() {
    options_.certificate = dir_.Write("c.pem", good_.certificate);
    options_.key = dir_.Write("k.pem", good_.key);
  }

  absl::StatusOr<PemIdentity> Read() const { return ReadPemIdentity(options_, absl::Now()); }

  void ExpectInvalid(const std::string& option, const std::string& text) const {
    const absl::StatusOr<PemIdentity> read = Read();
    EXPECT_THAT(read, IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", text));
    EXPECT_EQ(GetErrorMetadata(read.status())["field"], option);
  }

  const Authority authority_{"authority"};
  const Certificate good_ = authority_.Issue("server");
  const TempDir dir_;
  TlsOptions options_;
};

TEST_F(PemIdentityTest, KeepsTheTextOfTheFiles) {
  options_.client_ca = dir_.Write("ca.pem", authority_.pem());
  ASSERT_OK_AND_ASSIGN(const PemIdentity identity, Read());
  EXPECT_EQ(identity.certificate, good_.certificate);
  EXPECT_EQ(identity.key, good_.key);
  EXPECT_EQ(identity.client_ca, authority_.pem());
}

TEST_F(PemIdentityTest, TakesAChainAndFilesThatHaveBoth) {
  dir_.Write("c.pem", good_.key + good_.certificate + authority_.pem());
  options_.key = options_.certificate;
  EXPECT_THAT(Read(), IsOk());
}

TEST_F(PemIdentityTest, NamesTheFileThatIsNotGiven) {
  options_.key = "";
  ExpectInvalid("--tls-key", "--tls-key: (empty) is not a file");
  options_.certificate = "";
  ExpectInvalid("--tls-cert", "--tls-cert: (empty) is not a file");
}

TEST_F(PemIdentityTest, NamesTheFileThatIsMissing) {
  options_.client_ca = dir_ / "missing";
  ExpectInvalid("--tls-client-ca", "--tls-client-ca: " + options_.client_ca + " is not readable (cannot open");
  options_.key = dir_ / "missing";
  ExpectInvalid("--tls-key", "--tls-key: " + options_.key + " is not readable");
  options_.certificate = dir_ / "missing";
  ExpectInvalid("--tls-cert", "--tls-cert: " + options_.certificate + " is not readable");
}

TEST_F(PemIdentityTest, NamesTheFileThatHasNothingOfItsKind) {
  options_.client_ca = dir_.Write("ca.pem", good_.key);
  ExpectInvalid("--tls-client-ca", options_.client_ca + " has no certificate; give one in PEM");
  dir_.Write("k.pem", good_.certificate);
  ExpectInvalid("--tls-key", options_.key + " has no private key that OpenSSL can read; give one in PEM");
  dir_.Write("c.pem", "");
  ExpectInvalid("--tls-cert", options_.certificate + " has no certificate; give one in PEM");
}

TEST_F(PemIdentityTest, RefusesATruncatedChain) {
  dir_.Write("c.pem", good_.certificate + authority_.pem().substr(0, 200));
  ExpectInvalid("--tls-cert", options_.certificate + " has a certificate that cannot be read (");
}

TEST_F(PemIdentityTest, RefusesAKeyOfAnotherCertificateAndShowsNeither) {
  const Certificate other = authority_.Issue("other");
  dir_.Write("k.pem", other.key);
  ExpectInvalid("--tls-key", options_.key + " is not the key of the first certificate in " + options_.certificate);
  EXPECT_THAT(std::string(Read().status().message()), Not(HasSubstr(other.key.substr(30, 20))));
}

TEST_F(PemIdentityTest, RefusesAKeyWithAPassPhraseWithoutAskingForIt) {
  dir_.Write("k.pem", ToPem(NewKey().get(), "secret"));
  ExpectInvalid("--tls-key", options_.key + " is encrypted; give it without a pass phrase");
}

TEST_F(PemIdentityTest, RefusesACertificateThatIsNotValidNow) {
  const Certificate expired = authority_.Issue("server", absl::Hours(-48), absl::Hours(-24));
  dir_.Write("c.pem", expired.certificate);
  dir_.Write("k.pem", expired.key);
  ExpectInvalid("--tls-cert", options_.certificate + " expired on 20");
  const Certificate early = authority_.Issue("server", absl::Hours(24), absl::Hours(48));
  dir_.Write("c.pem", early.certificate);
  dir_.Write("k.pem", early.key);
  ExpectInvalid("--tls-cert", options_.certificate + " is not valid before 20");
}

TEST_F(PemIdentityTest, IsValidUntilItsLastSecond) {
  ASSERT_OK_AND_ASSIGN(const PemIdentity identity, Read());
  EXPECT_THAT(ReadPemIdentity(options_, identity.expires - absl::Seconds(1)), IsOk());
  EXPECT_THAT(ReadPemIdentity(options_, identity.expires),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "expired on"));
}

TEST_F(PemIdentityTest, RefusesWhatOpenSslWouldRefuseAtTheFirstHandshake) {
  const Certificate weak = authority_.IssueWeak();
  dir_.Write("c.pem", weak.certificate);
  dir_.Write("k.pem", weak.key);
  ExpectInvalid("--tls-cert", options_.certificate + " is refused by OpenSSL (ee key too small)");
}

}  // namespace
}  // namespace deepbindnet
