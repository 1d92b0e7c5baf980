// Protocol Buffers' wire format, as much of it as TensorBoard's messages need: core does without Protobuf.
#ifndef DEEPBINDNET_CORE_TRAINING_WIRE_MESSAGE_H_
#define DEEPBINDNET_CORE_TRAINING_WIRE_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// A message that is written field by field, in the order of the calls. `field` is the field's number, 1 or more. Also
// writes what proto3 leaves out, the values 0 and "".
class WireMessage {
 public:
  WireMessage& Integer(int field, int64_t value);  // int32, int64, enums and bool.
  WireMessage& Double(int field, double value);
  WireMessage& Float(int field, float value);
  WireMessage& Bytes(int field, absl::string_view value);  // Strings, too.
  WireMessage& Message(int field, const WireMessage& value);
  WireMessage& Doubles(int field, const std::vector<double>& values);  // Repeated, packed.
  WireMessage& Floats(int field, const std::vector<float>& values);    // Likewise.

  const std::string& bytes() const { return bytes_; }

 private:
  void Key(int field, int wire_type);
  void Varint(uint64_t value);

  std::string bytes_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_WIRE_MESSAGE_H_
