#include "server/jobs/run_outcome.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace deepbindnet {
namespace {

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr absl::string_view kRankLost = "RANK_LOST";  // core/training/ranks.h
constexpr std::streamoff kTailBytes = 2000;
constexpr size_t kTailLines = 5;

bool ResultFits(const v1::JobSpec& spec, const v1::JobResult& result) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      return result.has_dataset();
    case v1::JobSpec::kTrain:
      return result.has_training();
    case v1::JobSpec::kCompare:
      return result.has_comparison();
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return false;
}

bool ExitedWith(const WorkerExit& exit, int code) { return exit.how == WorkerExit::How::kExited && exit.value == code; }

Outcome Failed(std::string reason, std::string message) {
  Outcome outcome;
  outcome.to = v1::FAILED;
  outcome.why = message;
  outcome.error.set_reason(std::move(reason));
  outcome.error.set_message(std::move(message));
  return outcome;
}

Outcome Paused(const v1::Job& job, std::string why) {
  Outcome outcome;
  outcome.to = v1::PAUSED;
  outcome.why = std::move(why);
  outcome.error = job.pause();
  return outcome;
}

// `what` happened; `killed`: by SIGKILL, perhaps the system's.
Outcome Crashed(const v1::Job& job, const std::string& what, bool killed) {
  Outcome outcome;
  if (job.restarts() < job.max_restarts()) {
    outcome.to = v1::QUEUED;
    outcome.why = absl::StrCat(what, "; restart ", job.restarts() + 1, " of ", job.max_restarts());
  } else {
    outcome = Failed("WORKER_CRASHED", absl::StrCat(what, " after ", job.restarts(), " restarts"));
    if (killed) {
      absl::StrAppend(outcome.error.mutable_message(),
                      "; the system may have run out of memory: lower batch_size or give the machine more");
    }
  }
  outcome.crashed = true;
  return outcome;
}

}  // namespace

Outcome DecideOutcome(const v1::Job& job, const RunReport& report) {
  Outcome outcome;
  if (job.state() == v1::CANCELLING) {
    outcome.to = v1::CANCELLED;
    outcome.why = "cancelled on request";
    return outcome;
  }
  if (ExitedWith(report.exit, kExitDone)) {
    if (!report.result || !ResultFits(job.spec(), *report.result)) {
      return Failed("WORKER_PROTOCOL",
                    "the worker ended without a result; server and worker may be of different versions");
    }
    outcome.to = v1::SUCCEEDED;
    outcome.why = "done";
    return outcome;
  }
  if (ExitedWith(report.exit, kExitFailed) && report.error) {
    // One of the worker's processes crashed.
    if (report.error->reason() == kRankLost && job.state() != v1::PAUSING) {
      return Crashed(job, report.error->message(), /*killed=*/false);
    }
    if (report.error->reason() == kDiskFull) {
      Outcome outcome = Paused(job, report.error->message());
      if (job.state() == v1::PAUSING) return outcome;
      outcome.error = *report.error;
      absl::StrAppend(outcome.error.mutable_message(), "; it goes on by itself once the server's disk has space");
      return outcome;
    }
    if (report.error->reason() != kRankLost) return Failed(report.error->reason(), report.error->message());
  }
  if (job.state() == v1::PAUSING) return Paused(job, "it goes on from its last checkpoint once it is resumed");
  if (report.draining) {
    outcome.to = v1::QUEUED;
    outcome.why = "the server is shutting down; it goes on from its last checkpoint";
    return outcome;
  }
  if (report.exit.how == WorkerExit::How::kNotStarted) {
    outcome.to = v1::QUEUED;
    outcome.why = absl::StrCat("the worker ", DescribeExit(report.exit));
    outcome.not_started = true;
    return outcome;
  }
  return Crashed(job, absl::StrCat("the worker ", DescribeExit(report.exit)),
                 report.exit.how == WorkerExit::How::kSignalled && report.exit.value == SIGKILL);
}

std::string DescribeExit(const WorkerExit& exit) {
  switch (exit.how) {
    case WorkerExit::How::kExited:
      return absl::StrCat("exited with code ", exit.value);
    case WorkerExit::How::kSignalled: {
      const char* name = sigabbrev_np(exit.value);
      return absl::StrCat("was killed by signal ", exit.value, name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
    }
    case WorkerExit::How::kUnknown:
      return absl::StrCat("is gone, and how it ended is unknown: ", exit.message);
    case WorkerExit::How::kNotStarted:
      break;
  }
  return absl::StrCat("could not be started: ", exit.message);
}

std::string LogTail(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  const std::streamoff wanted = std::min(size, kTailBytes);
  file.seekg(size - wanted);
  std::string text(static_cast<size_t>(wanted), '\0');
  file.read(text.data(), wanted);
  // A log may hold any bytes, a message only UTF-8.
  for (char& c : text) {
    if (c != '\n' && !absl::ascii_isprint(static_cast<unsigned char>(c))) c = c == '\r' ? '\n' : '?';
  }
  std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipWhitespace());
  if (lines.size() > kTailLines) lines.erase(lines.begin(), lines.end() - kTailLines);
  return absl::StrJoin(lines, " | ");
}

}  // namespace deepbindnet
