#include "server/metrics/resource_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const ResourceCollector& collector) {
  return prometheus::TextSerializer().Serialize(collector.Collect());
}

TEST(ResourceCollectorTest, TellsWhatIsThere) {
  const TempDir dir;
  const std::string text = Text(ResourceCollector(dir.path(), nullptr, nullptr));
  EXPECT_THAT(text, ContainsRegex("deepbindnet_disk_free_bytes [1-9]"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("certificate")), Not(HasSubstr("gpu"))));
}

TEST(ResourceCollectorTest, TellsWhenTheCertificateEnds) {
  const TempDir dir;
  EXPECT_THAT(Text(ResourceCollector(
                  dir.path(), [] { return absl::FromUnixSeconds(1800000000); }, nullptr)),
              HasSubstr("deepbindnet_tls_certificate_expiry_timestamp_seconds 1800000000"));
}

TEST(ResourceCollectorTest, TellsOfTheGpusThatAnswer) {
  const TempDir dir;
  auto nvml = Nvml::Open(DEEPBINDNET_FAKE_NVML);
  ASSERT_NE(nvml, nullptr);
  const std::string text = Text(ResourceCollector(dir.path(), nullptr, std::move(nvml)));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_gpu_memory_used_bytes{gpu="1"} 30000)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_gpu_memory_total_bytes{gpu="1"} 80000)"));
  EXPECT_THAT(text, HasSubstr(R"(deepbindnet_gpu_utilization_ratio{gpu="1"} 0.75)"));
  EXPECT_THAT(text, Not(HasSubstr(R"(gpu="0")")));
}

TEST(NvmlTest, IsNotThereWithoutTheLibraryOrWithAnother) {
  EXPECT_EQ(Nvml::Open("libnowhere.so.1"), nullptr);
  EXPECT_EQ(Nvml::Open("libm.so.6"), nullptr);
}

}  // namespace
}  // namespace deepbindnet
