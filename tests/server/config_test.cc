#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

CommandLine Parse(const std::vector<std::string>& arguments) { return ParseCommandLine(arguments, "1.2.3"); }

// Sets a variable of the environment for one test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~ScopedVariable() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST(ConfigTest, DefaultsAreOnLoopback) {
  const CommandLine parsed = Parse({});
  ASSERT_TRUE(parsed.config.has_value()) << parsed.text;
  EXPECT_EQ(parsed.config->listen, "127.0.0.1:50051");
  EXPECT_EQ(parsed.config->metrics_listen, "127.0.0.1:9464");
  EXPECT_EQ(parsed.config->data_dir, "./deepbindnet-data");
}

TEST(ConfigTest, OptionsHaveDashesOrUnderscores) {
  const CommandLine parsed = Parse({"--metrics_listen", "127.0.0.1:1", "--data-dir", "/x", "--drain_timeout", "7",
                                    "--log-format", "json", "--predict-max-delay-ms=0.5"});
  ASSERT_TRUE(parsed.config.has_value()) << parsed.text;
  EXPECT_EQ(parsed.config->metrics_listen, "127.0.0.1:1");
  EXPECT_EQ(parsed.config->data_dir, "/x");
  EXPECT_EQ(parsed.config->drain_timeout_seconds, 7);
  EXPECT_EQ(parsed.config->log_format, LogFormat::kJson);
  EXPECT_EQ(parsed.config->predict_max_delay_ms, 0.5);
}

TEST(ConfigTest, CommandLineGoesBeforeEnvironmentBeforeFile) {
  const TempDir dir;
  WriteTestFile(dir / "server.toml", "slots = 2\nthreads = 2\nmax-queued-jobs = 2\nmetrics_listen = \"off\"\n");
  const ScopedVariable slots("DEEPBINDNET_SLOTS", "3");
  const ScopedVariable threads("DEEPBINDNET_THREADS", "3");
  const CommandLine parsed = Parse({"--config", dir / "server.toml", "--slots", "4"});
  ASSERT_TRUE(parsed.config.has_value()) << parsed.text;
  EXPECT_EQ(parsed.config->slots, 4);
  EXPECT_EQ(parsed.config->threads, 3);
  EXPECT_EQ(parsed.config->max_queued_jobs, 2);
  EXPECT_EQ(parsed.config->metrics_listen, "off");
}

TEST(ConfigTest, WrongUsageIsOneLineAndExitCode2) {
  const TempDir dir;
  WriteTestFile(dir / "unknown.toml", "slotz = 2\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--slots", "0"}, "--slots"},
      {{"--bogus"}, "--bogus"},
      {{"--slots", "many"}, "many"},
      {{"--device", "tpu"}, "--device: tpu"},
      {{"--listen", "127.0.0.1"}, "--listen: 127.0.0.1"},
      {{"--listen", "127.0.0.1:65536"}, "65536"},
      {{"--config", dir / "none.toml"}, "none.toml"},
      {{"--config", dir / "unknown.toml"}, "slotz"},
  };
  for (const auto& [arguments, text] : cases) {
    const CommandLine parsed = Parse(arguments);
    EXPECT_FALSE(parsed.config.has_value()) << text;
    EXPECT_EQ(parsed.exit_code, 2) << text;
    EXPECT_THAT(parsed.text, HasSubstr(text));
    EXPECT_EQ(parsed.text.find('\n'), std::string::npos) << parsed.text;
  }
}

TEST(ConfigTest, HelpAndVersionAreNotErrors) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_THAT(Parse({"--help"}).text, AllOf(HasSubstr("--metrics-listen TEXT"), HasSubstr("'_' for '-'")));
  EXPECT_EQ(Parse({"--version"}).text, "deepbindnet-server 1.2.3\n");
}

TEST(ConfigTest, BeyondLoopbackNeedsTlsAndTokensOrInsecure) {
  for (const char* address : {"0.0.0.0:1", "[::]:1", "192.168.1.2:1", "example.org:1"}) {
    const std::vector<std::vector<std::string>> insufficient = {
        {}, {"--tokens-file", "t"}, {"--tls-cert", "c", "--tls-key", "k"}, {"--insecure-metrics"}};
    for (std::vector<std::string> arguments : insufficient) {
      arguments.insert(arguments.end(), {"--listen", address});
      const CommandLine refused = Parse(arguments);
      EXPECT_EQ(refused.exit_code, 2);
      EXPECT_THAT(refused.text, HasSubstr(absl::StrCat("--listen: ", address, " is reachable from other machines")));
    }
    EXPECT_TRUE(Parse({"--listen", address, "--insecure"}).config.has_value());
    EXPECT_TRUE(
        Parse({"--listen", address, "--tls-cert", "c", "--tls-key", "k", "--tokens-file", "t"}).config.has_value());
  }
  for (const char* address : {"127.0.0.1:0", "127.1.2.3:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(Parse({"--listen", address}).config.has_value()) << address;
  }
}

TEST(ConfigTest, MetricsBeyondLoopbackNeedAWordOfTheirOwn) {
  const std::vector<std::string> secure = {"--tls-cert", "c", "--tls-key", "k", "--tokens-file", "t"};
  std::vector<std::string> arguments = secure;
  arguments.insert(arguments.end(), {"--metrics-listen", "0.0.0.0:1"});
  const CommandLine refused = Parse(arguments);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.text, HasSubstr("--metrics-listen: 0.0.0.0:1 is reachable from other machines"));
  for (const char* word : {"--insecure-metrics", "--insecure"}) {
    arguments.back() = "0.0.0.0:1";
    std::vector<std::string> allowed = arguments;
    allowed.push_back(word);
    EXPECT_TRUE(Parse(allowed).config.has_value()) << word;
  }
}

TEST(ConfigTest, TlsNeedsBothOfItsFiles) {
  EXPECT_THAT(Parse({"--tls-cert", "c"}).text, HasSubstr("--tls-key: (empty) is missing"));
  EXPECT_THAT(Parse({"--tls-key", "k"}).text, HasSubstr("--tls-cert: (empty) is missing"));
  EXPECT_THAT(Parse({"--tls-client-ca", "a"}).text, HasSubstr("--tls-client-ca: a needs TLS"));
}

TEST(ConfigTest, EveryOptionSaysWhatItTakesAndItsDefault) {
  const std::string help = Parse({"--help"}).text;
  for (const char* text :
       {"--max-jobs-per-user INT:INT in [0 - 1000000]=0 ", "--min-free-disk-mib INT:INT in [0 - 1048576]=256 ",
        "--max-message-mib INT:INT in [1 - 1024]=33 ", "--max-pairs-per-request INT:INT in [1 - 4096]=4096 ",
        "--max-smiles-length INT:INT in [1 - 4096]=4096 ", "--max-sequence-length INT:INT in [1 - 10000]=10000 ",
        "--max-streams-per-client INT:INT in [1 - 100000]=256 "}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
}

TEST(ConfigTest, EveryOptionStandsInTheOperatorsGuide) {
  ASSERT_OK_AND_ASSIGN(const std::string guide, ReadFile(DEEPBINDNET_DOCS "/operations.md"));
  int options = 0;
  for (const absl::string_view line : absl::StrSplit(Parse({"--help"}).text, '\n')) {
    if (!absl::StartsWith(line, "  --") || absl::StartsWith(line, "  --version")) continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
    EXPECT_THAT(guide, HasSubstr(absl::StrCat("`", words[0])));
    ++options;
  }
  EXPECT_GT(options, 30);
}

TEST(ConfigTest, CheckConfigIsSaidBesideTheOptions) {
  const CommandLine parsed = Parse({"--check-config", "--slots", "2"});
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_TRUE(parsed.check_only);
  EXPECT_EQ(parsed.config->slots, 2);
}

TEST(ConfigTest, TokensIsASubcommand) {
  const CommandLine parsed = Parse({"tokens", "list", "--tokens-file", "/none"});
  EXPECT_FALSE(parsed.config.has_value());
  EXPECT_TRUE(parsed.subcommand != nullptr);
}

TEST(ConfigTest, ListenAddressIsTakenApart) {
  ASSERT_OK_AND_ASSIGN(const ListenAddress v6, ParseListenAddress("--listen", "[::1]:50051"));
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 50051);
  for (const char* address : {"", ":1", "host:", "host:-1", "::1:50051", "host:99999", "host:x"}) {
    EXPECT_THAT(ParseListenAddress("--listen", address),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "is not HOST:PORT"))
        << address;
  }
}

}  // namespace
}  // namespace deepbindnet
