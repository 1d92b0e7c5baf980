#include "server/jobs/event_decoder.h"

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr size_t kLongestVarint = 5;

struct Frame {
  size_t header = 0;  // Bytes of the varint.
  uint64_t size = 0;  // Bytes of the message.
};

// Nothing while the varint is incomplete.
absl::StatusOr<std::optional<Frame>> ReadFrame(absl::string_view bytes) {
  Frame frame;
  while (frame.header < kLongestVarint) {
    if (frame.header == bytes.size()) return std::optional<Frame>();
    const auto byte = static_cast<unsigned char>(bytes[frame.header]);
    frame.size |= static_cast<uint64_t>(byte & 0x7f) << (7 * frame.header);
    ++frame.header;
    if ((byte & 0x80) != 0) continue;
    if (frame.size > kLargestWorkerEvent) break;
    return std::optional<Frame>(frame);
  }
  return absl::InvalidArgumentError(absl::StrCat("a worker event is larger than ", kLargestWorkerEvent, " bytes"));
}

v1::WorkerEvent UnreadableEvent() {
  v1::WorkerEvent event;
  event.mutable_log()->set_level(v1::LogLine::WARNING);
  event.mutable_log()->set_text("an event of the worker could not be read and is left out");
  return event;
}

}  // namespace

absl::Status EventDecoder::Feed(absl::string_view bytes, std::vector<v1::WorkerEvent>* events) {
  absl::StrAppend(&pending_, bytes);
  absl::string_view rest = pending_;
  while (true) {
    DBN_ASSIGN_OR_RETURN(const std::optional<Frame> frame, ReadFrame(rest));
    if (!frame || rest.size() - frame->header < frame->size) break;
    v1::WorkerEvent event;
    const bool readable = event.ParseFromArray(rest.data() + frame->header, static_cast<int>(frame->size));
    events->push_back(readable ? std::move(event) : UnreadableEvent());
    rest.remove_prefix(frame->header + frame->size);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return absl::OkStatus();
}

}  // namespace deepbindnet
