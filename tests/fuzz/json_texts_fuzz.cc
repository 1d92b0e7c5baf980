// The reader of a DeepDTA folder's molecules and proteins.
#include <cstdint>
#include <string>

#include "core/csv/json_texts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)deepbindnet::ParseJsonTexts(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
