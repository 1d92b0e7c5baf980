#include "core/base/cpu_quota.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace {

constexpr int64_t kMostCores = 1 << 20;

int Tighter(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

std::string Contents(const std::string& path) { return ReadFile(path).value_or(""); }

int QuotaOfGroup(const std::string& directory, bool version1) {
  if (!version1) return CoresOfQuota(Contents(directory + "/cpu.max"));
  return CoresOfQuota(
      absl::StrCat(Contents(directory + "/cpu.cfs_quota_us"), " ", Contents(directory + "/cpu.cfs_period_us")));
}

}  // namespace

int CoresOfQuota(absl::string_view text) {
  const std::vector<std::string> words = absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  int64_t quota = 0;
  int64_t period = 0;
  if (words.size() != 2 || !absl::SimpleAtoi(words[0], &quota) || !absl::SimpleAtoi(words[1], &period)) return 0;
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min(quota / period + (quota % period > 0 ? 1 : 0), kMostCores));
}

int QuotaCores(absl::string_view memberships, const std::string& mount) {
  int cores = 0;
  for (const absl::string_view line : absl::StrSplit(memberships, '\n')) {
    // number:controllers:path; version 2 has the number 0 and no controllers.
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    const bool version1 = std::find(controllers.begin(), controllers.end(), "cpu") != controllers.end();
    if (!version1 && !fields[1].empty()) continue;
    const std::string root = version1 ? mount + "/cpu" : mount;
    // Within a container the path may be the host's, which is not mounted: the root is the container's own group then.
    for (std::filesystem::path path = fields[2]; path.has_relative_path(); path = path.parent_path()) {
      cores = Tighter(cores, QuotaOfGroup(root + path.string(), version1));
    }
    cores = Tighter(cores, QuotaOfGroup(root, version1));
  }
  return cores;
}

}  // namespace deepbindnet
