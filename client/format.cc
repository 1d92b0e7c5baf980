#include "client/format.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace deepbindnet::client {

std::string FormatMetric(double value) { return std::isfinite(value) ? absl::StrFormat("%.4f", value) : "-"; }

std::string FormatSeconds(double seconds) {
  const int64_t total = std::llround(std::max(seconds, 0.0));
  if (total < 3600) return absl::StrFormat("%d:%02d", total / 60, total % 60);
  return absl::StrFormat("%d:%02d:%02d", total / 3600, total / 60 % 60, total % 60);
}

std::string FormatTimeLeft(double seconds) {
  const double left = std::max(seconds, 0.0);
  if (left < 90) return absl::StrFormat("about %.0f s left", left);
  if (left < 90 * 60) return absl::StrFormat("about %.0f min left", left / 60);
  if (left < 36 * 3600) return absl::StrFormat("about %.0f h left", left / 3600);
  return absl::StrFormat("about %.0f days left", left / (24 * 3600));
}

std::string FormatBytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return unit == 0 ? absl::StrFormat("%.0f B", bytes) : absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

double ToSeconds(const google::protobuf::Duration& duration) { return duration.seconds() + duration.nanos() * 1e-9; }

std::string KindName(v1::JobKind kind) {
  switch (kind) {
    case v1::PREPARE_DATASET:
      return "dataset";
    case v1::TRAIN:
      return "training";
    case v1::COMPARE:
      return "comparison";
    default:
      return "job";
  }
}

std::string StateName(v1::JobState state) { return absl::AsciiStrToLower(v1::JobState_Name(state)); }

std::string ModelTypeName(v1::ModelType type) { return type == v1::STANDARD ? "standard" : "gated"; }

std::string DirectionName(v1::AffinityDirection direction) {
  if (direction == v1::HIGHER_BINDS_TIGHTER) return "higher";
  return direction == v1::LOWER_BINDS_TIGHTER ? "lower" : "unknown";
}

std::string DescribeDirection(v1::AffinityDirection direction) {
  if (direction == v1::AFFINITY_DIRECTION_UNSPECIFIED) return "which binds tighter, higher or lower, is unknown";
  return absl::StrCat(DirectionName(direction), " binds tighter");
}

v1::JobKind KindOf(const v1::JobSpec& spec) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      return v1::PREPARE_DATASET;
    case v1::JobSpec::kTrain:
      return v1::TRAIN;
    case v1::JobSpec::kCompare:
      return v1::COMPARE;
    default:
      return v1::JOB_KIND_UNSPECIFIED;
  }
}

std::vector<std::pair<std::string, double>> NamedMetrics(const v1::Metrics& metrics) {
  return {{"mse", metrics.mse()}, {"rmse", metrics.rmse()},       {"mae", metrics.mae()},
          {"r2", metrics.r2()},   {"pearson", metrics.pearson()}, {"spearman", metrics.spearman()},
          {"ci", metrics.ci()},   {"rm2", metrics.rm2()}};
}

std::string EpochLine(const v1::EpochMetrics& epoch) {
  return absl::StrFormat(
      "epoch %3d/%d  loss %s  train rmse %s  val rmse %s mae %s r2 %s ci %s  gate %.2f  lr %.1e  %.0f pairs/s  %s%s",
      epoch.epoch(), epoch.epochs(), FormatMetric(epoch.train_loss()), FormatMetric(epoch.train().rmse()),
      FormatMetric(epoch.val().rmse()), FormatMetric(epoch.val().mae()), FormatMetric(epoch.val().r2()),
      FormatMetric(epoch.val().ci()), epoch.gate_mean(), epoch.learning_rate(), epoch.pairs_per_second(),
      FormatSeconds(ToSeconds(epoch.elapsed())), epoch.is_best() ? "  best" : "");
}

std::string ProgressDetail(const v1::Progress& progress) {
  std::vector<std::string> parts;
  if (progress.total() > 0) {
    parts.push_back(absl::StrCat(progress.done(), "/", progress.total(), " ", progress.unit()));
  } else if (progress.done() > 0) {
    parts.push_back(absl::StrCat(progress.done(), " ", progress.unit()));
  }
  if (progress.loss() != 0) parts.push_back(absl::StrCat("loss ", FormatMetric(progress.loss())));
  if (progress.rate() > 0) parts.push_back(absl::StrFormat("%.1f %s/s", progress.rate(), progress.unit()));
  if (progress.has_eta()) parts.push_back(absl::StrCat("eta ", FormatSeconds(ToSeconds(progress.eta()))));
  return absl::StrJoin(parts, ", ");
}

}  // namespace deepbindnet::client
