// Messages as JSON for scripts: field names as in the .proto files, counts as numbers, undefined values as null.
#ifndef DEEPBINDNET_CLIENT_PROTO_JSON_H_
#define DEEPBINDNET_CLIENT_PROTO_JSON_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet::client {

// Every field that is set or has no presence; enums by name, a Timestamp as RFC 3339 in UTC, a Duration as a number
// under "<field>_seconds".
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// The same in a line for people: "hidden_dim 64, lr 0.003".
std::string FieldsLine(const google::protobuf::Message& message);

// {"type": "epoch", "job", "sequence", "epoch", ..., "train": {...}, "val": {...}, "pairs_per_second", ...}. The train
// metrics are the errors alone, because ranks are not computed during an epoch.
nlohmann::ordered_json EpochJson(const std::string& job_id, uint64_t sequence, const v1::EpochMetrics& epoch);

// The last line of a job: {"type": "end", "job", "name", "kind", "state"} and its result or error. A training's has
// val_mse ... val_rm2 and test_mse ... test_rm2 (null without a test part).
nlohmann::ordered_json EndJson(const v1::Job& job);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_PROTO_JSON_H_
