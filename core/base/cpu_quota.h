// CPU quotas of Linux control groups: what a container or a systemd unit limits without hiding any core.
#ifndef DEEPBINDNET_CORE_BASE_CPU_QUOTA_H_
#define DEEPBINDNET_CORE_BASE_CPU_QUOTA_H_

#include <string>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// Cores that a quota allows, rounded up. `text` is a quota and a period, both in microseconds, as cgroup v2's cpu.max
// has them: "150000 100000" is 2. 0 where there is no limit ("max 100000"; in version 1 the quota -1) or the text is
// no quota.
int CoresOfQuota(absl::string_view text);

// The tightest quota, in cores, of the control groups that `memberships` (the text of /proc/self/cgroup) names and of
// all groups above them, versions 1 and 2. `mount` is where they are mounted: /sys/fs/cgroup. 0 where nothing limits.
int QuotaCores(absl::string_view memberships, const std::string& mount);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_CPU_QUOTA_H_
