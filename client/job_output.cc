#include "client/job_output.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/format.h"
#include "client/job_watcher.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

using nlohmann::ordered_json;

std::string MetricsLine(absl::string_view part, const v1::Metrics& metrics) {
  std::string line = absl::StrFormat("  %-4s (%d pairs)", part, metrics.pairs());
  for (const auto& [name, value] : NamedMetrics(metrics)) {
    absl::StrAppend(&line, "  ", name, " ", FormatMetric(value));
  }
  return line;
}

void PrintTraining(const v1::Job& job, Console* console) {
  const v1::TrainingResult& result = job.result().training();
  console->Line(
      absl::StrFormat("model %s: best epoch %d of %d (stopped by %s), %d parameters, %s of training, %.0f pairs/s",
                      job.name(), result.best_epoch(), result.epochs_run(), result.stop_reason(), result.parameters(),
                      FormatSeconds(ToSeconds(result.training_time())), result.pairs_per_second()));
  console->Line(MetricsLine("val", result.val()));
  if (result.test().pairs() > 0) console->Line(MetricsLine("test", result.test()));
}

void PrintDataset(const v1::Job& job, Console* console) {
  const v1::DatasetSummary& summary = job.result().dataset();
  console->Line(absl::StrFormat(
      "data set %s: %d rows read, %d rejected, %d duplicates merged, %d pairs dropped; %d drugs, %d targets",
      job.name(), summary.rows_read(), summary.rows_rejected(), summary.duplicates_merged(), summary.pairs_dropped(),
      summary.drugs(), summary.targets()));
  console->Line(absl::StrFormat(
      "  train %d, val %d, test %d pairs; affinity %s%.4f +- %.4f, %s", summary.train_pairs(), summary.val_pairs(),
      summary.test_pairs(), summary.affinity_unit().empty() ? "" : summary.affinity_unit() + " ",
      summary.affinity_mean(), summary.affinity_sd(), DescribeDirection(summary.affinity_direction())));
  if (summary.protein_feature_dim() > 0) {
    console->Line(absl::StrFormat("  each target has a vector of %d features", summary.protein_feature_dim()));
  }
  console->Line(absl::StrFormat("  of the test part, %d pairs, %d drugs and %d targets stand in train",
                                summary.test_pairs_in_train(), summary.test_drugs_in_train(),
                                summary.test_targets_in_train()));
}

void PrintComparison(const v1::Job& job, Console* console) {
  const v1::ComparisonResult& result = job.result().comparison();
  auto percent = [](double value) { return std::isfinite(value) ? absl::StrFormat("%+.2f%%", value) : "-"; };
  std::vector<std::vector<std::string>> rows;
  for (const v1::ModelComparison& model : result.models()) {
    std::vector<std::string> row = {model.model(), ModelTypeName(model.model_type())};
    for (const auto& [name, value] : NamedMetrics(model.metrics())) row.push_back(FormatMetric(value));
    const bool reference = rows.empty();
    row.push_back(reference ? "reference" : percent(model.rmse_improvement_percent()));
    row.push_back(reference ? "-" : percent(model.mae_improvement_percent()));
    row.push_back(reference ? "-" : percent(model.r2_improvement_percent()));
    rows.push_back(row);
  }
  console->Line(absl::StrCat("test part of ", result.dataset(),
                             result.affinity_unit().empty() ? "" : absl::StrCat(", in ", result.affinity_unit()), ":"));
  console->Table({"MODEL", "TYPE", "MSE", "RMSE", "MAE", "R2", "PEARSON", "SPEARMAN", "CI", "RM2", "RMSE GAIN",
                  "MAE GAIN", "R2 GAIN"},
                 rows);
}

ordered_json EventJson(const char* type, const v1::JobEvent& event, const google::protobuf::Message& body) {
  ordered_json json = {{"type", type}, {"job", event.job_id()}, {"sequence", event.sequence()}};
  json.update(ToJson(body));
  return json;
}

void PrintLog(const v1::LogLine& log, Console* console) {
  const bool info = log.level() == v1::LogLine::INFO || log.level() == v1::LogLine::LEVEL_UNSPECIFIED;
  console->Line(absl::StrCat(
      info ? "" : absl::StrCat(absl::AsciiStrToLower(v1::LogLine::Level_Name(log.level())), ": "), log.text()));
}

}  // namespace

void PrintEvent(const v1::JobEvent& event, Console* console) {
  switch (event.event_case()) {
    case v1::JobEvent::kStateChange: {
      const v1::StateChange& change = event.state_change();
      console->Line(absl::StrCat(event.job_id(), ": ", StateName(change.to()),
                                 change.why().empty() ? "" : absl::StrCat(" (", change.why(), ")")));
      console->Json(EventJson("state", event, change));
      return;
    }
    case v1::JobEvent::kEpoch:
      console->Line(EpochLine(event.epoch()));
      console->Json(EpochJson(event.job_id(), event.sequence(), event.epoch()));
      return;
    case v1::JobEvent::kLog:
      PrintLog(event.log(), console);
      console->Json(EventJson("log", event, event.log()));
      return;
    case v1::JobEvent::kProgress: {
      const v1::Progress& progress = event.progress();
      const std::string label =
          progress.epoch() > 0 ? absl::StrCat(progress.phase(), " epoch ", progress.epoch()) : progress.phase();
      console->Progress(label, static_cast<double>(progress.done()), static_cast<double>(progress.total()),
                        ProgressDetail(progress));
      return;
    }
    case v1::JobEvent::kError:
    case v1::JobEvent::kResult:
    case v1::JobEvent::EVENT_NOT_SET:
      return;
  }
}

void PrintAccepted(const v1::Job& job, Session* session) {
  session->console()->Line(absl::StrCat(job.id(), ": ", KindName(KindOf(job.spec())), " ", job.name()));
  nlohmann::ordered_json json = {{"type", "job"}, {"job", job.id()}};
  json.update(ToJson(job));
  session->console()->Json(json);
}

void PrintValidated(const v1::Job& job, Console* console) {
  ordered_json json = {{"type", "validated"}};
  json.update(ToJson(job));
  console->Json(json);
  const v1::JobSpec& spec = job.spec();
  std::string what = absl::StrCat(KindName(KindOf(spec)), " ", job.name());
  if (spec.has_train()) absl::StrAppend(&what, " on data set ", spec.train().dataset());
  if (spec.has_compare()) {
    absl::StrAppend(&what, " of ", absl::StrJoin(spec.compare().models(), ", "), " on data set ",
                    spec.compare().dataset());
  }
  console->Line("valid; nothing was started. It would be:");
  console->Line(what);
  console->Line(absl::StrCat("  devices ", std::max(job.num_devices(), 1u), ", priority ", job.priority(), ", at most ",
                             job.max_restarts(), " restarts"));
  if (spec.has_train()) console->Line(absl::StrCat("  ", FieldsLine(spec.train().options())));
}

absl::Status EndStatus(const v1::Job& job) {
  const std::string what = absl::StrCat(KindName(KindOf(job.spec())), " ", job.name(), " (job ", job.id(), ")");
  if (job.state() == v1::FAILED) {
    const std::string message = job.error().message().empty() ? "the worker gave no reason" : job.error().message();
    return JobEndError(absl::StrCat(what, " failed: ", message));
  }
  if (job.state() == v1::CANCELLED) return JobEndError(absl::StrCat(what, " was cancelled"));
  return absl::OkStatus();
}

absl::Status PrintEnd(const v1::Job& job, Console* console) {
  console->ClearProgress();
  switch (job.result().kind_case()) {
    case v1::JobResult::kTraining:
      PrintTraining(job, console);
      break;
    case v1::JobResult::kDataset:
      PrintDataset(job, console);
      break;
    case v1::JobResult::kComparison:
      PrintComparison(job, console);
      break;
    case v1::JobResult::KIND_NOT_SET:
      break;
  }
  console->Json(EndJson(job));
  return EndStatus(job);
}

absl::Status FollowAndPrint(const v1::Job& job, bool detach, Session* session) {
  PrintAccepted(job, session);
  if (detach) {
    session->console()->Line(absl::StrCat("follow it with: ", session->CommandLine({"jobs", "watch", job.id()})));
    return absl::OkStatus();
  }
  Console* console = session->console();
  CLIENT_ASSIGN_OR_RETURN(
      const v1::Job ended,
      JobWatcher(session).Follow(job.id(), 1, [console](const v1::JobEvent& event) { PrintEvent(event, console); }));
  return PrintEnd(ended, console);
}

}  // namespace deepbindnet::client
