#include "server/metrics/process_collector.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "server/metrics/gauge_family.h"

namespace deepbindnet {
namespace {

struct ProcessStat {
  double cpu_seconds = 0;
  double threads = 0;
  double start_seconds_after_boot = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

// The fields of /proc/self/stat from the third on (see proc(5)); the second, the program's name, may hold blanks.
std::optional<ProcessStat> ReadStat() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string state;
  fields >> state;
  double values[22] = {};  // values[n] is field n + 4.
  for (double& value : values) fields >> value;
  if (!fields) return std::nullopt;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  ProcessStat stat;
  stat.cpu_seconds = (values[10] + values[11]) / ticks;
  stat.threads = values[16];
  stat.start_seconds_after_boot = values[18] / ticks;
  stat.virtual_bytes = values[19];
  stat.resident_bytes = values[20] * static_cast<double>(sysconf(_SC_PAGESIZE));
  return stat;
}

std::optional<double> ReadBootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

std::optional<double> CountOpenFiles() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return count - 1;  // Without the one that reads the directory.
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  const auto add = [&families](const char* name, const char* help, double value,
                               prometheus::MetricType type = prometheus::MetricType::Gauge) {
    families.push_back(MakeFamily(name, help, type));
    AddSeries(&families.back(), value);
  };
  if (const auto stat = ReadStat()) {
    add("process_cpu_seconds_total", "User and system CPU time spent.", stat->cpu_seconds,
        prometheus::MetricType::Counter);
    add("process_resident_memory_bytes", "Resident memory.", stat->resident_bytes);
    add("process_virtual_memory_bytes", "Virtual memory.", stat->virtual_bytes);
    add("process_threads", "Threads.", stat->threads);
    if (const auto boot = ReadBootTime()) {
      add("process_start_time_seconds", "Start time since the Unix epoch.", *boot + stat->start_seconds_after_boot);
    }
  }
  if (const auto open = CountOpenFiles()) add("process_open_fds", "Open file descriptors.", *open);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    add("process_max_fds", "File descriptors that may be open.", static_cast<double>(limit.rlim_cur));
  }
  return families;
}

}  // namespace deepbindnet
