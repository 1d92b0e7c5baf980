#include "server/metrics/metrics_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/metrics/metrics.h"
#include "server/metrics/process_collector.h"
#include "tests/server/metrics/scrape.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

TEST(MetricsEndpointTest, ServesWhatItsCollectorsGive) {
  Metrics metrics("1.2.3");
  ASSERT_OK_AND_ASSIGN(
      const auto endpoint,
      MetricsEndpoint::Start("127.0.0.1:0", {metrics.collectable(), std::make_shared<ProcessCollector>()}));
  ASSERT_GT(endpoint->port(), 0);
  const std::string response = Scrape(endpoint->port());
  EXPECT_THAT(response, HasSubstr("200 OK"));
  EXPECT_THAT(response, HasSubstr("deepbindnet_build_info"));
  EXPECT_THAT(response, HasSubstr("process_open_fds"));
}

TEST(MetricsEndpointTest, PortInUseIsAnError) {
  ASSERT_OK_AND_ASSIGN(const auto endpoint, MetricsEndpoint::Start("127.0.0.1:0", {}));
  const std::string address = absl::StrCat("127.0.0.1:", endpoint->port());
  EXPECT_THAT(MetricsEndpoint::Start(address, {}),
              IsError(absl::StatusCode::kUnavailable, "CANNOT_LISTEN", address + " for metrics"));
}

TEST(MetricsEndpointTest, CollectorsRunOnARealStack) {
  // civetweb asks for 100 KiB.
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 102400), 0);
  size_t bytes = 0;
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(bytes, 1 << 20);
}

TEST(MetricsEndpointTest, PromtoolFindsNothingToCriticise) {
  ASSERT_EQ(std::system("promtool --version > /dev/null 2>&1"), 0) << "install promtool with make deps";
  Metrics metrics("1.2.3");
  metrics.DeclareMethod("/s.S/M", "unary");
  ASSERT_OK_AND_ASSIGN(
      const auto endpoint,
      MetricsEndpoint::Start("127.0.0.1:0", {metrics.collectable(), std::make_shared<ProcessCollector>()}));
  const TempDir dir;
  WriteTestFile(dir / "metrics", BodyOf(Scrape(endpoint->port())));
  EXPECT_EQ(std::system(absl::StrCat("promtool check metrics < ", dir / "metrics").c_str()), 0);
}

}  // namespace
}  // namespace deepbindnet
