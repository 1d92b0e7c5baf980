// The worker's pipe: WorkerEvent messages, each after its size as a varint.
#ifndef DEEPBINDNET_SERVER_JOBS_EVENT_DECODER_H_
#define DEEPBINDNET_SERVER_JOBS_EVENT_DECODER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

// Largest message that is accepted, in bytes.
constexpr size_t kLargestWorkerEvent = 16 << 20;

// Takes the bytes in pieces of any size. One thread at a time.
class EventDecoder {
 public:
  // Appends to `events` the messages that `bytes` completes; the rest waits for more, and a message that the end of the
  // stream cuts off is never seen. A message that does not parse becomes a WARNING log line. INVALID_ARGUMENT where the
  // size is over kLargestWorkerEvent or no varint: the stream cannot be read any further.
  absl::Status Feed(absl::string_view bytes, std::vector<v1::WorkerEvent>* events);

 private:
  std::string pending_;  // Begins at a message's size.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_EVENT_DECODER_H_
