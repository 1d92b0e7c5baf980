#include <cmath>
#include <string>

#include "google/protobuf/util/time_util.h"
#include "server/convert/convert.h"

namespace deepbindnet {
namespace {

google::protobuf::Duration Duration(double seconds) {
  return google::protobuf::util::TimeUtil::MicrosecondsToDuration(std::llround(seconds * 1e6));
}

}  // namespace

v1::Metrics ToProto(const RegressionMetrics& metrics) {
  v1::Metrics proto;
  proto.set_pairs(static_cast<uint64_t>(metrics.pairs));
  proto.set_mse(metrics.mse);
  proto.set_rmse(metrics.rmse);
  proto.set_mae(metrics.mae);
  proto.set_r2(metrics.r2);
  proto.set_pearson(metrics.pearson);
  proto.set_spearman(metrics.spearman);
  proto.set_ci(metrics.ci);
  proto.set_rm2(metrics.rm2);
  return proto;
}

v1::EpochMetrics ToProto(const EpochReport& report) {
  v1::EpochMetrics proto;
  proto.set_epoch(static_cast<uint32_t>(report.epoch));
  proto.set_epochs(static_cast<uint32_t>(report.epochs));
  proto.set_train_loss(report.train_loss);
  *proto.mutable_train() = ToProto(report.train);
  *proto.mutable_val() = ToProto(report.val);
  proto.set_learning_rate(report.learning_rate);
  proto.set_gate_mean(report.gate_mean);
  proto.set_gate_sd(report.gate_sd);
  proto.set_pairs_per_second(report.pairs_per_second);
  *proto.mutable_elapsed() = Duration(report.elapsed_seconds);
  proto.set_is_best(report.is_best);
  return proto;
}

v1::TrainingResult ToProto(const TrainingReport& report) {
  v1::TrainingResult proto;
  proto.set_best_epoch(static_cast<uint32_t>(report.best_epoch));
  proto.set_epochs_run(static_cast<uint32_t>(report.epochs_run));
  *proto.mutable_val() = ToProto(report.val);
  *proto.mutable_test() = ToProto(report.test);
  proto.set_parameters(static_cast<uint64_t>(report.parameters));
  *proto.mutable_training_time() = Duration(report.training_seconds);
  proto.set_pairs_per_second(report.pairs_per_second);
  proto.set_digest(report.digest);
  proto.set_stop_reason(report.stop_reason);
  return proto;
}

v1::ComparisonResult ToProto(const ComparisonInput& input, const Comparison& comparison) {
  v1::ComparisonResult proto;
  proto.set_dataset(input.dataset);
  proto.set_affinity_unit(input.affinity_unit);
  for (const ModelComparison& model : comparison.models) {
    v1::ModelComparison* const entry = proto.add_models();
    entry->set_model(model.name);
    // Imported predictions have no type: the field stays unspecified.
    if (const absl::StatusOr<ModelType> type = ParseModelType(model.model_type); type.ok()) {
      entry->set_model_type(ToProto(*type));
    }
    *entry->mutable_metrics() = ToProto(model.metrics);
    entry->set_rmse_improvement_percent(model.rmse_improvement_percent);
    entry->set_mae_improvement_percent(model.mae_improvement_percent);
    entry->set_r2_improvement_percent(model.r2_improvement_percent);
  }
  return proto;
}

v1::JobError ToProto(const absl::Status& status) {
  v1::JobError proto;
  proto.set_reason(GetReason(status));
  proto.set_message(std::string(status.message()));
  return proto;
}

}  // namespace deepbindnet
