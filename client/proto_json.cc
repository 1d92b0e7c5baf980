#include "client/proto_json.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/format.h"

namespace deepbindnet::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                          absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()), absl::UTCTimeZone());
}

ordered_json MessageValue(const Message& message) {
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) return Rfc3339(*time);
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) return ToSeconds(*duration);
  return ToJson(message);
}

// One value of `field`; `index` is -1 for a field that is not repeated.
ordered_json Value(const Message& message, const FieldDescriptor* field, int index) {
  const auto* r = message.GetReflection();
  const bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return one ? r->GetBool(message, field) : r->GetRepeatedBool(message, field, index);
    case FieldDescriptor::CPPTYPE_INT32:
      return one ? r->GetInt32(message, field) : r->GetRepeatedInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return one ? r->GetUInt32(message, field) : r->GetRepeatedUInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return one ? r->GetInt64(message, field) : r->GetRepeatedInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return one ? r->GetUInt64(message, field) : r->GetRepeatedUInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return one ? r->GetFloat(message, field) : r->GetRepeatedFloat(message, field, index);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return one ? r->GetDouble(message, field) : r->GetRepeatedDouble(message, field, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return (one ? r->GetEnum(message, field) : r->GetRepeatedEnum(message, field, index))->name();
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? r->GetString(message, field) : r->GetRepeatedString(message, field, index);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageValue(one ? r->GetMessage(message, field) : r->GetRepeatedMessage(message, field, index));
  }
  return nullptr;
}

void AddMetrics(const std::string& prefix, const v1::Metrics& metrics, ordered_json* json) {
  for (const auto& [name, value] : NamedMetrics(metrics)) {
    if (metrics.pairs() == 0) {
      (*json)[prefix + name] = nullptr;
    } else {
      (*json)[prefix + name] = value;
    }
  }
}

ordered_json TrainingEnd(const v1::TrainingResult& result) {
  ordered_json json = ToJson(result);
  json.erase("val");
  json.erase("test");
  AddMetrics("val_", result.val(), &json);
  AddMetrics("test_", result.test(), &json);
  return json;
}

}  // namespace

ordered_json ToJson(const Message& message) {
  ordered_json json = ordered_json::object();
  const auto* descriptor = message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->is_repeated()) {
      ordered_json values = ordered_json::array();
      for (int k = 0; k < reflection->FieldSize(message, field); ++k) values.push_back(Value(message, field, k));
      json[field->name()] = values;
      continue;
    }
    if (field->has_presence() && !reflection->HasField(message, field)) continue;
    const bool is_duration = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                             field->message_type()->full_name() == "google.protobuf.Duration";
    json[is_duration ? absl::StrCat(field->name(), "_seconds") : field->name()] = Value(message, field, -1);
  }
  return json;
}

std::string FieldsLine(const Message& message) {
  std::vector<std::string> fields;
  const ordered_json values = ToJson(message);
  for (const auto& [key, value] : values.items()) fields.push_back(absl::StrCat(key, " ", value.dump()));
  return absl::StrJoin(fields, ", ");
}

ordered_json EpochJson(const std::string& job_id, uint64_t sequence, const v1::EpochMetrics& epoch) {
  ordered_json json = {{"type", "epoch"}, {"job", job_id}, {"sequence", sequence}};
  json.update(ToJson(epoch));
  for (const char* rank : {"pearson", "spearman", "ci", "rm2"}) {
    if (json.contains("train")) json["train"].erase(rank);
  }
  return json;
}

ordered_json EndJson(const v1::Job& job) {
  ordered_json json = {{"type", "end"},
                       {"job", job.id()},
                       {"name", job.name()},
                       {"kind", v1::JobKind_Name(KindOf(job.spec()))},
                       {"state", v1::JobState_Name(job.state())},
                       {"restarts", job.restarts()}};
  if (job.has_error()) json["error"] = ToJson(job.error());
  switch (job.result().kind_case()) {
    case v1::JobResult::kTraining:
      json.update(TrainingEnd(job.result().training()));
      break;
    case v1::JobResult::kDataset:
      json.update(ToJson(job.result().dataset()));
      break;
    case v1::JobResult::kComparison:
      json.update(ToJson(job.result().comparison()));
      break;
    case v1::JobResult::KIND_NOT_SET:
      break;
  }
  return json;
}

}  // namespace deepbindnet::client
