#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

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

TEST(ConfigTest, BeyondLoopbackNeedsInsecure) {
  for (const char* option : {"--listen", "--metrics-listen"}) {
    for (const char* address : {"0.0.0.0:1", "[::]:1", "192.168.1.2:1", "example.org:1"}) {
      const CommandLine refused = Parse({option, address});
      EXPECT_EQ(refused.exit_code, 2);
      EXPECT_THAT(refused.text, HasSubstr("neither TLS nor tokens"));
      EXPECT_TRUE(Parse({option, address, "--insecure"}).config.has_value());
    }
  }
  for (const char* address : {"127.0.0.1:0", "127.1.2.3:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(Parse({"--listen", address}).config.has_value()) << address;
  }
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
