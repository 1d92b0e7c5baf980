// The pickle of a dictionary from text to vectors, as Python's torch.save writes it.
#ifndef DEEPBINDNET_CORE_CSV_TORCH_PICKLE_H_
#define DEEPBINDNET_CORE_CSV_TORCH_PICKLE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/csv/float_array.h"

namespace deepbindnet {

// A vector by where its values stand; nothing of it is checked against the storage yet.
struct PickledVector {
  std::string storage;  // Name of the record that holds the values.
  FloatType type = FloatType::kFloat32;
  int64_t offset = 0;  // Of the first value, in values; 0 or more.
  int64_t size = 0;    // Values; 0 or more.
  int64_t stride = 1;  // From one value to the next, in values; 1 or more.
};

using PickledVectors = std::vector<std::pair<std::string, PickledVector>>;

// Interprets the few opcodes of the pickle protocol 2 that such a dictionary needs. Nothing is imported, called or run:
// a name from outside that is not one of those that rebuild a tensor is refused. Needs memory in proportion to
// `pickle`, whatever lengths stand in it. INVALID_ARGUMENT, without a file's name, says what is there and what to save
// instead: another object than a dictionary, a key that is no text, a tensor of another type or number of dimensions,
// an opcode or a name that does not belong.
absl::StatusOr<PickledVectors> ParseTorchPickle(absl::string_view pickle);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_TORCH_PICKLE_H_
