// What a full disk means for jobs: they wait, paused, until there is space again.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/job_engine_impl.h"
#include "server/logging/logging.h"

namespace deepbindnet {
namespace {

bool WaitsForSpace(const v1::Job& job) { return job.state() == v1::PAUSED && job.pause().reason() == kDiskFull; }

v1::JobError DiskFull(uint64_t free_bytes, uint64_t min_free_bytes) {
  v1::JobError error;
  error.set_reason(kDiskFull);
  error.set_message(absl::StrCat("the server's disk has ", free_bytes >> 20, " MiB left, and less than ",
                                 min_free_bytes >> 20, " MiB pauses its jobs; they go on by themselves once ",
                                 min_free_bytes >> 19, " MiB are free"));
  return error;
}

}  // namespace

bool JobEngineImpl::WatchesDisk() {
  for (const auto& [id, live] : live_) {
    if (WaitsForSpace(live.job)) return true;
    if (options_.min_free_bytes > 0 && (live.job.state() == v1::QUEUED || live.job.state() == v1::RUNNING)) return true;
  }
  return false;
}

void JobEngineImpl::CheckDisk() {
  const uint64_t free_bytes = free_bytes_();
  std::vector<std::string> moved;
  absl::Status error = absl::OkStatus();
  bool has_turned = false;
  bool is_full = false;
  {
    MutexLock lock(&mutex_);
    const absl::Time now = clock_->Now();
    next_disk_check_ = now + kDiskCheckInterval;
    is_full = free_bytes < options_.min_free_bytes * (disk_is_full_ ? 2 : 1);
    has_turned = std::exchange(disk_is_full_, is_full) != is_full;
    disk_trouble_ = is_full ? DiskFull(free_bytes, options_.min_free_bytes) : v1::JobError();
    for (auto& [id, live] : live_) {
      if (live.closing || now < live.not_before) continue;
      absl::Status changed = absl::OkStatus();
      if (is_full && live.job.state() == v1::RUNNING && live.run != nullptr && !live.run->ended) {
        changed = StopWorker(&live, v1::PAUSING, disk_trouble_.message(), &disk_trouble_);
      } else if (!is_full && WaitsForSpace(live.job)) {
        changed = Transition(&live, v1::QUEUED, "the server's disk has space again");
      } else {
        continue;
      }
      if (changed.ok()) moved.push_back(id);
      error.Update(changed);
    }
  }
  if (has_turned) {
    Log(LogLevel::kWarning, is_full ? "the disk is full: jobs are paused" : "the disk has space again",
        {{"free_bytes", absl::StrCat(free_bytes)}});
  }
  // Once, and not every two seconds.
  if (!error.ok() && error.message() != disk_error_) {
    Log(LogLevel::kError, "cannot record that a job is paused or goes on", {{"error", std::string(error.message())}});
  }
  disk_error_ = std::string(error.message());
  for (const std::string& id : moved) listeners_.Notify(id);
}

}  // namespace deepbindnet
