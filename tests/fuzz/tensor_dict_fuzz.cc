// Any bytes as a file of tensors, and any bytes as the pickle inside a file whose digest is right: refused, or tensors
// whose every value can be read.
#include <caffe2/serialize/inline_container.h>
#include <torch/torch.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/compute/torch_util.h"

namespace deepbindnet {
namespace {

// As docs/formats/processed.md describes it, with one record of 64 bytes.
std::string MakeArchive(const std::string& pickle) {
  std::string archive;
  caffe2::serialize::PyTorchStreamWriter writer([&archive](const void* bytes, size_t size) {
    archive.append(static_cast<const char*>(bytes), size);
    return size;
  });
  const std::string data(64, '\1');
  writer.writeRecord("data.pkl", pickle.data(), pickle.size());
  writer.writeRecord("data/0", data.data(), data.size());
  const std::string digest =
      Sha256Hex(absl::StrCat("data.pkl ", pickle.size(), "\n", pickle, "data/0 ", data.size(), "\n", data));
  writer.writeRecord("sha256", digest.data(), digest.size());
  writer.writeEndOfFile();
  return archive;
}

void ReadEverything(std::string archive) {
  const auto dict = ParseDict(std::move(archive), "fuzz.pt");
  if (!dict.ok()) return;
  for (const auto& entry : *dict) {
    if (entry.value().isTensor()) (void)entry.value().toTensor().clone();
  }
}

}  // namespace
}  // namespace deepbindnet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  deepbindnet::ReadEverything(bytes);
  deepbindnet::ReadEverything(deepbindnet::MakeArchive(bytes));
  return 0;
}
