// What workers tell, as tests write it.
#ifndef DEEPBINDNET_TESTS_SERVER_JOBS_WORKER_EVENTS_H_
#define DEEPBINDNET_TESTS_SERVER_JOBS_WORKER_EVENTS_H_

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>

#include <string>

#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

inline v1::WorkerEvent Log(const std::string& text) {
  v1::WorkerEvent event;
  event.mutable_log()->set_text(text);
  return event;
}

inline v1::JobResult TrainingResult() {
  v1::JobResult result;
  result.mutable_training()->set_best_epoch(3);
  result.mutable_training()->set_digest("cafe");
  return result;
}

// As a worker writes it, with protobuf's own code.
inline std::string Delimited(const v1::WorkerEvent& event) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::util::SerializeDelimitedToZeroCopyStream(event, &stream);
  return bytes;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_JOBS_WORKER_EVENTS_H_
