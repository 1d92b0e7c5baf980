#include "core/compute/torch_util.h"

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/pickler.h>
#include <torch/csrc/jit/serialization/unpickler.h>
#include <torch/script.h>

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/base/sha256.h"

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

constexpr char kPickleRecord[] = "data.pkl";
constexpr absl::string_view kTensorRecords = "data/";  // With a number behind it.
constexpr char kDigestRecord[] = "sha256";
constexpr int kDeepestNesting = 100;

// The digest is over all other records of ours in order of name: LibTorch's reader notices no changed byte.
void AddToDigest(absl::string_view name, absl::string_view bytes, Sha256* digest) {
  digest->Update(absl::StrCat(name, " ", bytes.size(), "\n"));
  digest->Update(bytes);
}

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
  std::map<std::string, absl::string_view> records;
  const auto write = [&writer, &records](const std::string& name, const char* bytes, size_t size) {
    writer.writeRecord(name, bytes, size);
    records[name] = absl::string_view(bytes, size);
  };
  std::vector<torch::jit::WriteableTensorData> tensors;  // Own what `records` shows.
  for (const torch::Tensor& tensor : pickler.tensorData()) {
    tensors.push_back(torch::jit::getWriteableTensorData(tensor));
    write(absl::StrCat(kTensorRecords, tensors.size() - 1), tensors.back().data(), tensors.back().sizeInBytes());
  }
  write(kPickleRecord, pickled.data(), pickled.size());
  Sha256 digest;
  for (const auto& [name, bytes] : records) AddToDigest(name, bytes, &digest);
  const std::string hex = digest.Hex();
  writer.writeRecord(kDigestRecord, hex.data(), hex.size());
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

// The bytes of a record, and who owns them.
using Record = std::tuple<at::DataPtr, size_t>;
absl::string_view BytesOf(const Record& record) {
  return absl::string_view(static_cast<const char*>(std::get<0>(record).get()), std::get<1>(record));
}

void CheckDigest(caffe2::serialize::PyTorchStreamReader* reader) {
  std::vector<std::string> names = reader->getAllRecords();
  std::sort(names.begin(), names.end());
  Sha256 digest;
  for (const std::string& name : names) {
    if (name != kPickleRecord && !absl::StartsWith(name, kTensorRecords)) continue;
    AddToDigest(name, BytesOf(reader->getRecord(name)), &digest);
  }
  TORCH_CHECK(BytesOf(reader->getRecord(kDigestRecord)) == digest.Hex(), "its contents differ from their SHA-256");
}

using RecordSizes = std::unordered_map<const void*, size_t>;  // In bytes, by address.

// A tensor takes its storage's size, its offset, sizes and strides from the file as they are. Strides of 0 could make
// many values of few bytes: whoever copies such a tensor would need memory that the file does not bound.
bool StaysWithin(const torch::Tensor& tensor, const RecordSizes& records) {
  if (!tensor.defined() || tensor.layout() != torch::kStrided || !tensor.is_cpu() || tensor.is_quantized())
    return false;
  const auto record = records.find(tensor.storage().data_ptr().get());
  const size_t held = record == records.end() ? 0 : record->second;
  if (tensor.storage().nbytes() > held || tensor.storage_offset() < 0) return false;
  const uint64_t values_held = held / tensor.element_size();
  int64_t count = 1, last = tensor.storage_offset(), reach = 0;
  bool overflows = false;
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    const int64_t size = tensor.size(d), stride = tensor.stride(d);
    if (size < 0 || stride < 0 || __builtin_mul_overflow(count, size, &count)) return false;
    overflows |= __builtin_mul_overflow(size - 1, stride, &reach) || __builtin_add_overflow(last, reach, &last);
  }
  if (count == 0) return true;
  return !overflows && static_cast<uint64_t>(last) < values_held && static_cast<uint64_t>(count) <= values_held;
}

void CheckTensors(const torch::IValue& value, const RecordSizes& records, int depth) {
  TORCH_CHECK(depth < kDeepestNesting, "it is nested too deeply");
  if (value.isTensor()) {
    TORCH_CHECK(StaysWithin(value.toTensor(), records), "a tensor reaches beyond its bytes");
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      CheckTensors(entry.key(), records, depth + 1);
      CheckTensors(entry.value(), records, depth + 1);
    }
  } else if (value.isList()) {
    for (const torch::IValue& element : value.toListRef()) CheckTensors(element, records, depth + 1);
  } else if (value.isTuple()) {
    const auto tuple = value.toTuple();
    for (const torch::IValue& element : tuple->elements()) CheckTensors(element, records, depth + 1);
  }
}

// Throws where the archive is damaged.
TensorDict Unpickle(std::string archive) {
  caffe2::serialize::PyTorchStreamReader reader(std::make_shared<BoundedReader>(std::move(archive)));
  CheckDigest(&reader);
  const Record pickle = reader.getRecord(kPickleRecord);
  absl::string_view left = BytesOf(pickle);
  const auto read_pickle = [&left](char* buffer, size_t count) {
    const size_t copied = left.copy(buffer, count);
    left.remove_prefix(copied);
    return copied;
  };
  RecordSizes records;
  const auto read_record = [&reader, &records](const std::string& name) {
    Record record = reader.getRecord(absl::StrCat(kTensorRecords, name));
    records[std::get<0>(record).get()] = std::get<1>(record);
    return std::move(std::get<0>(record));
  };
  torch::jit::Unpickler unpickler(read_pickle, /*type_resolver=*/nullptr, /*obj_loader=*/nullptr, read_record,
                                  torch::Device(torch::kCPU));
  const torch::IValue value = unpickler.parse_ivalue();
  TORCH_CHECK(value.isGenericDict(), "it holds no dictionary");
  CheckTensors(value, records, /*depth=*/0);
  return value.toGenericDict();
}

}  // namespace

TensorDict MakeTensorDict() { return TensorDict(c10::StringType::get(), c10::AnyType::get()); }

absl::Status SaveDict(const std::string& path, const TensorDict& dict, std::string* digest) {
  return CatchTorch([&]() -> absl::Status {
    const std::string contents = Pickle(dict);
    if (digest != nullptr) *digest = Sha256Hex(contents);
    return WriteFileAtomically(path, contents);
  });
}

absl::StatusOr<TensorDict> LoadDict(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(std::string contents, ReadFile(path));
  return ParseDict(std::move(contents), path);
}

absl::StatusOr<TensorDict> ParseDict(std::string contents, const std::string& path) {
  auto parsed = CatchTorch([&]() -> absl::StatusOr<TensorDict> { return Unpickle(std::move(contents)); });
  if (parsed.ok()) return parsed;
  if (absl::IsResourceExhausted(parsed.status())) return Annotate(parsed.status(), path);
  const absl::string_view message = parsed.status().message();
  return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file of this program or is damaged (",
                                                 message.substr(0, message.find('\n')), "); copy it or make it again"));
}

absl::StatusOr<torch::Tensor> GetTensor(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isTensor()) {
    return absl::InvalidArgumentError(absl::StrCat("no tensor '", key, "'"));
  }
  return found->value().toTensor();
}

torch::Tensor MakeNumber(double value) { return torch::tensor(value, torch::kFloat64); }

absl::StatusOr<double> GetNumber(const TensorDict& dict, const std::string& key) {
  const absl::StatusOr<torch::Tensor> tensor = GetTensor(dict, key);
  if (!tensor.ok() || tensor->scalar_type() != torch::kFloat64 || tensor->numel() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("no number '", key, "'"));
  }
  return tensor->item<double>();
}

absl::StatusOr<int64_t> GetInteger(const TensorDict& dict, const std::string& key, int64_t low, int64_t high) {
  const auto found = dict.find(key);
  if (found != dict.end() && found->value().isInt()) {
    const int64_t value = found->value().toInt();
    if (value >= low && value <= high) return value;
  }
  return absl::InvalidArgumentError(absl::StrCat("no integer '", key, "' from ", low, " to ", high));
}

absl::StatusOr<std::string> GetString(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isString()) {
    return absl::InvalidArgumentError(absl::StrCat("no string '", key, "'"));
  }
  return found->value().toStringRef();
}

}  // namespace deepbindnet
