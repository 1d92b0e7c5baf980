// Figures as people read them.
#ifndef DEEPBINDNET_CLIENT_FORMAT_H_
#define DEEPBINDNET_CLIENT_FORMAT_H_

#include <string>
#include <utility>
#include <vector>

#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet::client {

// Four decimals; "-" for a value that is not defined.
std::string FormatMetric(double value);

// "0:07", "12:30", "1:02:03"; negative counts as 0.
std::string FormatSeconds(double seconds);

// "about 12 min left"; negative counts as 0.
std::string FormatTimeLeft(double seconds);

// "512 B", "1.5 MiB"
std::string FormatBytes(double bytes);

// "2024-11-23 14:52:01" in UTC; "-" where unset.
std::string FormatTime(const google::protobuf::Timestamp& time);

double ToSeconds(const google::protobuf::Duration& duration);

// "training", "dataset", "comparison"; lower-case names without the enum's prefix.
std::string KindName(v1::JobKind kind);
std::string StateName(v1::JobState state);
std::string ModelTypeName(v1::ModelType type);
std::string DirectionName(v1::AffinityDirection direction);  // "higher", "lower", "unknown"

// "higher binds tighter", or that it is unknown.
std::string DescribeDirection(v1::AffinityDirection direction);

v1::JobKind KindOf(const v1::JobSpec& spec);

// Every metric with its name: mse, rmse, mae, r2, pearson, spearman, ci, rm2.
std::vector<std::pair<std::string, double>> NamedMetrics(const v1::Metrics& metrics);

// One line for a finished epoch.
std::string EpochLine(const v1::EpochMetrics& epoch);

// "4100/12000 pairs, loss 0.4312, 1210.0 pairs/s, eta 1:20"
std::string ProgressDetail(const v1::Progress& progress);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_FORMAT_H_
