#include "server/metrics/process_collector.h"

#include <gtest/gtest.h>
#include <prometheus/client_metric.h>
#include <unistd.h>

#include <ctime>
#include <map>
#include <string>

#include "core/base/file_descriptor.h"

namespace deepbindnet {
namespace {

// The value of each metric, by name.
std::map<std::string, double> Collect() {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : ProcessCollector().Collect()) {
    EXPECT_EQ(family.metric.size(), 1) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    const bool is_counter = family.type == prometheus::MetricType::Counter;
    values[family.name] = is_counter ? family.metric[0].counter.value : family.metric[0].gauge.value;
  }
  return values;
}

TEST(ProcessCollectorTest, ReadsThisProcess) {
  while (std::clock() < CLOCKS_PER_SEC / 20) {  // The kernel counts in hundredths of a second.
  }
  const auto values = Collect();
  EXPECT_GT(values.at("process_cpu_seconds_total"), 0);
  EXPECT_GT(values.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(values.at("process_virtual_memory_bytes"), values.at("process_resident_memory_bytes"));
  EXPECT_GE(values.at("process_threads"), 1);
  EXPECT_NEAR(values.at("process_start_time_seconds"), static_cast<double>(time(nullptr)), 600);
  EXPECT_LE(values.at("process_open_fds"), values.at("process_max_fds"));
}

TEST(ProcessCollectorTest, CountsOpenFiles) {
  const double before = Collect().at("process_open_fds");
  const FileDescriptor one(dup(STDOUT_FILENO));
  const FileDescriptor another(dup(STDOUT_FILENO));
  EXPECT_EQ(Collect().at("process_open_fds"), before + 2);
}

}  // namespace
}  // namespace deepbindnet
