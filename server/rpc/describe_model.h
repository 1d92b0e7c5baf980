// What an answer says of the model that it comes from.
#ifndef DEEPBINDNET_SERVER_RPC_DESCRIBE_MODEL_H_
#define DEEPBINDNET_SERVER_RPC_DESCRIBE_MODEL_H_

#include "server/convert/convert.h"
#include "server/predict/model_registry.h"

namespace deepbindnet {

// `Response` is PredictResponse or ExplainResponse.
template <typename Response>
void DescribeModel(const ServedModel& model, Response* response) {
  const PredictorInfo& info = model.predictor->info();
  response->set_model(model.name);
  response->set_model_digest(info.digest);
  response->set_affinity_unit(info.affinity_unit);
  if (info.affinity_direction != AffinityDirection::kUnknown) {
    response->set_affinity_direction(ToProto(info.affinity_direction));
  }
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_DESCRIBE_MODEL_H_
