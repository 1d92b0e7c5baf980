// What kind of job a spec asks for, and what the job is called.
#ifndef DEEPBINDNET_SERVER_STORE_JOB_KIND_H_
#define DEEPBINDNET_SERVER_STORE_JOB_KIND_H_

#include <string>

#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet {

// JOB_KIND_UNSPECIFIED for an empty spec.
inline v1::JobKind KindOf(const v1::JobSpec& spec) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      return v1::PREPARE_DATASET;
    case v1::JobSpec::kTrain:
      return v1::TRAIN;
    case v1::JobSpec::kCompare:
      return v1::COMPARE;
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return v1::JOB_KIND_UNSPECIFIED;
}

// The name of the data set, model or comparison that the job makes; may be empty for a comparison.
inline std::string NameOf(const v1::JobSpec& spec) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      return spec.prepare_dataset().dataset();
    case v1::JobSpec::kTrain:
      return spec.train().model();
    case v1::JobSpec::kCompare:
      return spec.compare().name();
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return "";
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_JOB_KIND_H_
