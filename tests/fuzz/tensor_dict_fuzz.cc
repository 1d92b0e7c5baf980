// Any bytes as a file of tensors, and any description of a tensor in a file whose digest is right: refused, or tensors
// whose every value can be read. Other pickles behind a right digest are left out: who can compute it writes to the
// data directory anyway, and LibTorch's unpickler takes their word on how much memory to use.
#include <caffe2/serialize/inline_container.h>
#include <torch/torch.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/file.h"
#include "core/compute/torch_util.h"

// LibTorch's reader of archives leaks where its constructor throws.
extern "C" const char* __lsan_default_suppressions() { return "leak:libtorch_cpu"; }

namespace deepbindnet {
namespace {

// Takes bytes from the front of the input; zeros behind its end.
class Input {
 public:
  explicit Input(absl::string_view bytes) : left_(bytes) {}

  std::string Take(size_t count) {
    std::string taken(left_.substr(0, count));
    left_.remove_prefix(taken.size());
    taken.resize(count);
    return taken;
  }
  int TakeByte() { return static_cast<uint8_t>(Take(1)[0]); }
  absl::string_view left() const { return left_; }

 private:
  absl::string_view left_;
};

// A short text as pickled.
std::string Text(absl::string_view text) {
  return absl::StrCat("X", std::string(1, static_cast<char>(text.size())), std::string(3, '\0'), text);
}

// An integer as pickled, of one byte or of eight.
std::string TakeInteger(Input* input) {
  return input->TakeByte() % 2 == 0 ? "K" + input->Take(1) : "\x8a\x08" + input->Take(8);
}

std::string TakeIntegers(Input* input, int count) {
  std::string tuple = "(";
  for (int i = 0; i < count; ++i) tuple += TakeInteger(input);
  return tuple + "t";
}

// A dictionary of one tensor: its type, the size of its storage, its offset, sizes and strides are the input's.
std::string TakePickle(Input* input) {
  constexpr absl::string_view kTypes[] = {"Double", "Float", "BFloat16", "Long",
                                          "Int",    "Bool",  "Byte",     "ComplexDouble"};
  const absl::string_view type = kTypes[input->TakeByte() % std::size(kTypes)];
  const int dimensions = input->TakeByte() % 4;
  const std::string storage_size = TakeInteger(input);
  const std::string offset = TakeInteger(input);
  const std::string sizes = TakeIntegers(input, dimensions);
  const std::string strides = TakeIntegers(input, dimensions);
  return absl::StrCat("\x80\x02}(", Text("x"), "ctorch._utils\n_rebuild_tensor_v2\n((", Text("storage"), "ctorch\n",
                      type, "Storage\n", Text("0"), Text("cpu"), storage_size, "tQ", offset, sizes, strides,
                      "\x89"
                      "ccollections\nOrderedDict\n)RtRu.");
}

// As docs/formats/processed.md describes it.
std::string MakeArchive(const std::string& pickle, const std::string& data) {
  std::string archive;
  caffe2::serialize::PyTorchStreamWriter writer([&archive](const void* bytes, size_t size) {
    archive.append(static_cast<const char*>(bytes), size);
    return size;
  });
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
  using namespace deepbindnet;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  ReadEverything(bytes);
  Input input(bytes);
  const std::string pickle = TakePickle(&input);
  ReadEverything(MakeArchive(pickle, std::string(input.left())));
  return 0;
}
