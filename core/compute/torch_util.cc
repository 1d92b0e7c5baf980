#include "core/compute/torch_util.h"

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/import_read.h>
#include <torch/csrc/jit/serialization/pickler.h>
#include <torch/script.h>

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"

namespace deepbindnet {

absl::Status ExceptionToStatus(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string message = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  const bool out_of_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                             absl::StrContains(message, "out of memory") ||
                             absl::StrContains(message, "can't allocate memory");
  if (out_of_memory) return absl::ResourceExhaustedError(absl::StrCat("out of memory: ", message));
  return absl::InternalError(message);
}

absl::Status CheckShape(const torch::Tensor& tensor, absl::string_view name, const std::vector<int64_t>& expected) {
  if (!tensor.defined()) return absl::InternalError(absl::StrCat(name, ": undefined tensor"));
  const std::vector<int64_t> sizes = tensor.sizes().vec();
  bool matches = sizes.size() == expected.size();
  for (size_t i = 0; matches && i < sizes.size(); ++i) matches = expected[i] == -1 || expected[i] == sizes[i];
  if (matches) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(name, ": shape [", absl::StrJoin(sizes, ", "), "], expected [", absl::StrJoin(expected, ", "), "]"));
}

namespace {

// Like torch::pickle_save, but without the type tags that it puts on dictionaries and lists: Python's
// torch.load(weights_only=True), the default of recent versions, refuses them.
std::string Pickle(const TensorDict& dict) {
  std::string pickled;
  torch::jit::Pickler pickler([&pickled](const char* bytes, size_t size) { pickled.append(bytes, size); }, nullptr,
                              nullptr, nullptr, nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dict);
  pickler.stop();
  std::string archive;
  caffe2::serialize::PyTorchStreamWriter writer([&archive](const void* bytes, size_t size) {
    archive.append(static_cast<const char*>(bytes), size);
    return size;
  });
  size_t index = 0;
  for (const torch::Tensor& tensor : pickler.tensorData()) {
    const auto data = torch::jit::getWriteableTensorData(tensor);
    writer.writeRecord("data/" + std::to_string(index++), data.data(), data.sizeInBytes());
  }
  writer.writeRecord("data.pkl", pickled.data(), pickled.size());
  writer.writeEndOfFile();
  return archive;
}

// The bytes of a file. Unlike the reader behind torch::pickle_load, it gives none beyond the end, where the directory
// of a damaged archive may point.
class BoundedReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit BoundedReader(std::string contents) : contents_(std::move(contents)) {}

  size_t size() const override { return contents_.size(); }
  size_t read(uint64_t position, void* buffer, size_t count, const char* what) const override {
    if (position >= contents_.size()) return 0;
    return contents_.copy(static_cast<char*>(buffer), count, position);
  }

 private:
  const std::string contents_;
};

torch::IValue Unpickle(std::string archive) {
  caffe2::serialize::PyTorchStreamReader reader(std::make_shared<BoundedReader>(std::move(archive)));
  return torch::jit::readArchiveAndTensors("data", /*pickle_prefix=*/"", /*tensor_prefix=*/"", /*type_resolver=*/{},
                                           /*obj_loader=*/{}, /*device=*/{}, reader);
}

}  // namespace

TensorDict MakeTensorDict() { return TensorDict(c10::StringType::get(), c10::AnyType::get()); }

absl::Status SaveDict(const std::string& path, const TensorDict& dict) {
  return CatchTorch([&]() -> absl::Status { return WriteFileAtomically(path, Pickle(dict)); });
}

absl::StatusOr<TensorDict> LoadDict(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(std::string contents, ReadFile(path));
  auto loaded = CatchTorch([&]() -> absl::StatusOr<torch::IValue> { return Unpickle(std::move(contents)); });
  if (!loaded.ok() || !loaded->isGenericDict()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file of this program or is damaged"));
  }
  return loaded->toGenericDict();
}

absl::StatusOr<torch::Tensor> GetTensor(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isTensor()) {
    return absl::InvalidArgumentError(absl::StrCat("no tensor '", key, "'"));
  }
  return found->value().toTensor();
}

absl::StatusOr<std::string> GetString(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isString()) {
    return absl::InvalidArgumentError(absl::StrCat("no string '", key, "'"));
  }
  return found->value().toStringRef();
}

}  // namespace deepbindnet
