// Between the API's messages and core's structs: the only place that knows both. Used by the server to validate
// requests and by the worker to run them.
#ifndef DEEPBINDNET_SERVER_CONVERT_CONVERT_H_
#define DEEPBINDNET_SERVER_CONVERT_CONVERT_H_

#include "core/base/status.h"
#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "core/evaluation/comparison.h"
#include "core/evaluation/metrics.h"
#include "core/training/trainer.h"
#include "core/training/training_options.h"
#include "deepbindnet/v1/types.pb.h"
#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

// Fill in every default and validate; INVALID_ARGUMENT names the message's field.
absl::StatusOr<TrainingOptions> FromProto(const v1::TrainingOptions& proto);
absl::StatusOr<PreprocessOptions> FromProto(const v1::PrepareDatasetSpec& proto);

// The same options with every field set but max_minutes where there is no limit; INVALID_ARGUMENT as FromProto().
absl::StatusOr<v1::TrainingOptions> Complete(const v1::TrainingOptions& proto);

// Every field set.
v1::ModelType ToProto(ModelType type);
v1::SplitOptions ToProto(const SplitOptions& options);
v1::AffinityDirection ToProto(AffinityDirection direction);
v1::DatasetSummary ToProto(const DatasetManifest& manifest, const Scaler& scaler);
v1::Metrics ToProto(const RegressionMetrics& metrics);
v1::EpochMetrics ToProto(const EpochReport& report);
v1::TrainingResult ToProto(const TrainingReport& report);
v1::ComparisonResult ToProto(const ComparisonInput& input, const Comparison& comparison);
v1::JobError ToProto(const absl::Status& status);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_CONVERT_CONVERT_H_
