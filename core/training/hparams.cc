#include "core/training/hparams.h"

#include <nlohmann/json.hpp>

#include "core/model/checkpoint.h"
#include "core/training/run_files.h"
#include "core/training/summaries.h"

namespace deepbindnet {
namespace {

using nlohmann::json;

// Numbers of fields and enumerators, from tensorboard/plugins/hparams and google/protobuf/struct.proto.
enum PluginDataField { kVersion = 1, kExperiment = 2, kSessionStart = 3, kSessionEnd = 4 };
enum ExperimentField { kHparamInfos = 4, kMetricInfos = 5 };
enum HparamInfoField { kHparamName = 1, kHparamType = 4 };
enum HparamType { kStringType = 1, kBoolType = 2, kFloatType = 3 };
enum MetricInfoField { kMetricName = 1 };
enum MetricNameField { kMetricTag = 2 };
enum SessionStartField { kHparams = 1, kStartSeconds = 5 };
enum MapEntryField { kMapKey = 1, kMapValue = 2 };
enum ValueField { kNumber = 2, kString = 3, kBool = 4 };
enum SessionEndField { kStatus = 1, kEndSeconds = 2 };
enum Status { kSuccess = 1 };

json OptionsJson(const TrainingOptions& options) {
  json all = json::parse(ModelOptionsToJson(options.model));
  all.update(json::parse(TrainingOptionsToJson(options)));
  return all;
}

HparamType TypeOf(const json& option) {
  if (option.is_boolean()) return kBoolType;
  return option.is_string() ? kStringType : kFloatType;
}

// google.protobuf.Value, whose numbers are doubles.
WireMessage ValueOf(const json& option) {
  WireMessage value;
  switch (TypeOf(option)) {
    case kBoolType:
      return value.Integer(kBool, option.get<bool>() ? 1 : 0);
    case kStringType:
      return value.Bytes(kString, option.get<std::string>());
    case kFloatType:
      break;
  }
  return value.Double(kNumber, option.get<double>());
}

WireMessage PluginData(PluginDataField field, const WireMessage& data) {
  return WireMessage().Integer(kVersion, 0).Message(field, data);
}

}  // namespace

std::string OptionsText(const TrainingOptions& options) { return OptionsJson(options).dump(2); }

WireMessage ExperimentEvent(const TrainingOptions& options, const std::vector<std::string>& metric_tags) {
  const json all = OptionsJson(options);
  WireMessage experiment;
  for (const auto& [name, option] : all.items()) {
    experiment.Message(kHparamInfos, WireMessage().Bytes(kHparamName, name).Integer(kHparamType, TypeOf(option)));
  }
  for (const std::string& tag : metric_tags) {
    experiment.Message(kMetricInfos, WireMessage().Message(kMetricName, WireMessage().Bytes(kMetricTag, tag)));
  }
  return HparamsEvent("_hparams_/experiment", PluginData(kExperiment, experiment));
}

WireMessage RunStartEvent(const TrainingOptions& options, double unix_seconds) {
  const json all = OptionsJson(options);
  WireMessage start;
  for (const auto& [name, option] : all.items()) {
    start.Message(kHparams, WireMessage().Bytes(kMapKey, name).Message(kMapValue, ValueOf(option)));
  }
  start.Double(kStartSeconds, unix_seconds);
  return HparamsEvent("_hparams_/session_start_info", PluginData(kSessionStart, start));
}

WireMessage RunEndEvent(double unix_seconds) {
  const WireMessage end = WireMessage().Integer(kStatus, kSuccess).Double(kEndSeconds, unix_seconds);
  return HparamsEvent("_hparams_/session_end_info", PluginData(kSessionEnd, end));
}

}  // namespace deepbindnet
