#include "core/csv/torch_pickle.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/little_endian.h"
#include "core/base/text.h"

namespace deepbindnet {
namespace {

// Python's pickler lays down 1,000 entries of a dictionary at a time.
constexpr size_t kDeepestStack = 100000;
constexpr int kDeepestTuple = 10;
constexpr size_t kLongestRecordName = 20;  // A number; every tensor of the storage has a copy.
constexpr size_t kShownCharacters = 40;
constexpr absl::string_view kRemedy =
    "save a dict from protein to 1-d float tensor with torch.save (PyTorch 1.6 or later)";

constexpr char kRebuildTensor[] = "torch._utils _rebuild_tensor_v2";
constexpr char kOrderedDict[] = "collections OrderedDict";

struct Value;
using ValuePtr = std::shared_ptr<const Value>;
using Entries = std::vector<std::pair<ValuePtr, ValuePtr>>;  // kText and kVector

// What stands on the interpreter's stack.
struct Value {
  enum class Kind { kMark, kNone, kInt, kText, kName, kTuple, kDict, kStorage, kVector };

  explicit Value(Kind kind) : kind(kind) {}

  const Kind kind;
  int depth = 0;                     // Of tuples within tuples.
  int64_t number = 0;                // kInt
  std::string text;                  // kText; kName: module and name; kStorage: the record's name
  std::vector<ValuePtr> items;       // kTuple
  std::shared_ptr<Entries> entries;  // kDict
  PickledVector vector;              // kVector; kStorage: its type
};

absl::Status Refuse(absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat(what, "; ", kRemedy)); }

ValuePtr MakeText(Value::Kind kind, absl::string_view text) {
  auto value = std::make_shared<Value>(kind);
  value->text = std::string(text);
  return value;
}

ValuePtr MakeInt(int64_t number) {
  auto value = std::make_shared<Value>(Value::Kind::kInt);
  value->number = number;
  return value;
}

ValuePtr MakeTuple(std::vector<ValuePtr> items) {
  auto value = std::make_shared<Value>(Value::Kind::kTuple);
  for (const ValuePtr& item : items) value->depth = std::max(value->depth, item->depth + 1);
  value->items = std::move(items);
  return value;
}

ValuePtr MakeDict() {
  auto value = std::make_shared<Value>(Value::Kind::kDict);
  value->entries = std::make_shared<Entries>();
  return value;
}

ValuePtr MakeVector(PickledVector vector) {
  auto value = std::make_shared<Value>(Value::Kind::kVector);
  value->vector = std::move(vector);
  return value;
}

std::optional<FloatType> StorageType(absl::string_view name) {
  if (name == "torch FloatStorage") return FloatType::kFloat32;
  if (name == "torch DoubleStorage") return FloatType::kFloat64;
  if (name == "torch HalfStorage") return FloatType::kFloat16;
  if (name == "torch BFloat16Storage") return FloatType::kBFloat16;
  return std::nullopt;
}

// ("storage", type, record, device, values) -> kStorage
absl::StatusOr<ValuePtr> LoadStorage(const Value& id) {
  const bool fits = id.kind == Value::Kind::kTuple && id.items.size() == 5 && id.items[0]->text == "storage" &&
                    id.items[1]->kind == Value::Kind::kName && id.items[2]->kind == Value::Kind::kText;
  if (!fits) return Refuse("has an entry that is no tensor");
  const std::optional<FloatType> type = StorageType(id.items[1]->text);
  if (!type) {
    return Refuse(absl::StrCat("has a tensor of '", ShowText(id.items[1]->text, kShownCharacters),
                               "', not of float32, float64, float16 or bfloat16"));
  }
  if (id.items[2]->text.size() > kLongestRecordName) return Refuse("has a damaged tensor");
  auto storage = std::make_shared<Value>(Value::Kind::kStorage);
  storage->text = id.items[2]->text;
  storage->vector.type = *type;
  return storage;
}

// (storage, offset, sizes, strides, ...) -> kVector
absl::StatusOr<ValuePtr> RebuildTensor(const Value& arguments) {
  const std::vector<ValuePtr>& items = arguments.items;
  const bool fits = arguments.kind == Value::Kind::kTuple && items.size() >= 6 &&
                    items[0]->kind == Value::Kind::kStorage && items[1]->kind == Value::Kind::kInt &&
                    items[2]->kind == Value::Kind::kTuple && items[3]->kind == Value::Kind::kTuple &&
                    items[2]->items.size() == items[3]->items.size();
  if (!fits) return Refuse("has a damaged tensor");
  if (items[2]->items.size() != 1) {
    const std::string shape = absl::StrJoin(
        items[2]->items, ", ", [](std::string* out, const ValuePtr& size) { absl::StrAppend(out, size->number); });
    return Refuse(absl::StrCat("has a tensor of shape [", shape, "], not of one dimension"));
  }
  const int64_t size = items[2]->items[0]->number;
  PickledVector vector{items[0]->text, items[0]->vector.type, items[1]->number, size,
                       size == 1 ? 1 : items[3]->items[0]->number};
  if (vector.offset < 0 || size < 0 || vector.stride < 1) {
    return Refuse("has a tensor that repeats values, as one made by expand()");
  }
  return MakeVector(std::move(vector));
}

// A text that the pickle refers to again and again is copied once: that of a key that stands twice is an error.
absl::StatusOr<PickledVectors> Named(const Entries& entries) {
  absl::flat_hash_set<absl::string_view> names;
  PickledVectors vectors;
  for (const auto& [key, value] : entries) {
    if (!names.insert(key->text).second) {
      return Refuse(absl::StrCat("has the key '", ShowText(key->text, kShownCharacters), "' twice"));
    }
    vectors.emplace_back(key->text, value->vector);
  }
  return vectors;
}

class Interpreter {
 public:
  explicit Interpreter(absl::string_view pickle) : rest_(pickle), bytes_(pickle.size()) {}

  absl::StatusOr<PickledVectors> Run() {
    while (!stopped_) {
      if (rest_.empty()) return Refuse("has a pickle that is cut off");
      const char opcode = rest_.front();
      rest_.remove_prefix(1);
      DBN_RETURN_IF_ERROR(Step(opcode));
      if (stack_.size() > kDeepestStack) return Refuse("has a pickle that is nested too deeply");
    }
    DBN_ASSIGN_OR_RETURN(const ValuePtr result, Pop());
    if (result->kind != Value::Kind::kDict) return Refuse("holds no dict");
    return Named(*result->entries);
  }

 private:
  absl::Status Step(char opcode) {
    switch (opcode) {
      case '\x80':  // PROTO
        return Take(1).status();
      case '.':  // STOP
        stopped_ = true;
        return absl::OkStatus();
      case '(':  // MARK
        return Push(std::make_shared<Value>(Value::Kind::kMark));
      case 'N':     // NONE
      case '\x88':  // NEWTRUE
      case '\x89':  // NEWFALSE
        return Push(std::make_shared<Value>(Value::Kind::kNone));
      case 'K':     // BININT1
      case 'M':     // BININT2
      case 'J':     // BININT
      case '\x8a':  // LONG1
        return PushInt(opcode);
      case 'X':  // BINUNICODE
        return PushText();
      case 'c':  // GLOBAL
        return PushName();
      case '}':  // EMPTY_DICT
        return Push(MakeDict());
      case ')':  // EMPTY_TUPLE
        return Push(MakeTuple({}));
      case '\x85':  // TUPLE1
      case '\x86':  // TUPLE2
      case '\x87':  // TUPLE3
        return PushTuple(static_cast<size_t>(opcode - '\x84'));
      case 't':  // TUPLE
        return PushMarkedTuple();
      case 'q':  // BINPUT
      case 'r':  // LONG_BINPUT
      case 'h':  // BINGET
      case 'j':  // LONG_BINGET
        return UseMemo(opcode);
      case 'Q':  // BINPERSID
        return PushStorage();
      case 'R':  // REDUCE
        return Reduce();
      case 's':  // SETITEM
        return SetItems(stack_.size() < 2 ? 0 : stack_.size() - 2);
      case 'u':  // SETITEMS
        return SetMarkedItems();
      default:
        return Refuse(absl::StrCat("has the pickle opcode ", static_cast<int>(static_cast<unsigned char>(opcode)),
                                   " at byte ", bytes_ - rest_.size() - 1, ", which a dict of tensors does not need"));
    }
  }

  absl::StatusOr<absl::string_view> Take(uint64_t size) {
    if (size > rest_.size()) return Refuse("has a pickle that is cut off");
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  absl::Status Push(ValuePtr value) {
    stack_.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<ValuePtr> Pop() {
    if (stack_.empty()) return Refuse("has a damaged pickle");
    ValuePtr value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }

  // Two's complement of 1, 2 or 4 bytes, the first two without a sign; LONG1 says its size, of which 8 are enough.
  absl::Status PushInt(char opcode) {
    uint64_t size = opcode == 'K' ? 1 : opcode == 'M' ? 2 : 4;
    if (opcode == '\x8a') {
      DBN_ASSIGN_OR_RETURN(const absl::string_view length, Take(1));
      size = LittleEndian(length, 1);
      if (size > 8) return Refuse("has a number that is too large");
    }
    DBN_ASSIGN_OR_RETURN(const absl::string_view bytes, Take(size));
    const uint64_t bits = LittleEndian(bytes, size);
    const bool is_negative = size > 0 && size < 8 && opcode != 'K' && opcode != 'M' && (bits >> (8 * size - 1)) != 0;
    return Push(MakeInt(static_cast<int64_t>(is_negative ? bits | ~uint64_t{0} << (8 * size) : bits)));
  }

  absl::Status PushText() {
    DBN_ASSIGN_OR_RETURN(const absl::string_view length, Take(4));
    DBN_ASSIGN_OR_RETURN(const absl::string_view text, Take(LittleEndian(length, 4)));
    return Push(MakeText(Value::Kind::kText, text));
  }

  // Two lines: module and name.
  absl::Status PushName() {
    const size_t first = rest_.find('\n');
    const size_t second = first == absl::string_view::npos ? first : rest_.find('\n', first + 1);
    if (second == absl::string_view::npos) return Refuse("has a pickle that is cut off");
    const std::string name = absl::StrCat(rest_.substr(0, first), " ", rest_.substr(first + 1, second - first - 1));
    rest_.remove_prefix(second + 1);
    // Storages of other types have names, too: LoadStorage() says what is wrong with them.
    const bool is_known =
        name == kRebuildTensor || name == kOrderedDict || absl::string_view(name).substr(0, 6) == "torch ";
    if (is_known) return Push(MakeText(Value::Kind::kName, name));
    return Refuse(
        absl::StrCat("refers to '", ShowText(name, kShownCharacters), "', which is no tensor and is never run"));
  }

  absl::Status PushTuple(size_t size) {
    if (stack_.size() < size) return Refuse("has a damaged pickle");
    std::vector<ValuePtr> items(stack_.end() - static_cast<std::ptrdiff_t>(size), stack_.end());
    stack_.resize(stack_.size() - size);
    ValuePtr tuple = MakeTuple(std::move(items));
    if (tuple->depth > kDeepestTuple) return Refuse("has a pickle that is nested too deeply");
    return Push(std::move(tuple));
  }

  // Values above the newest mark.
  absl::StatusOr<size_t> CountMarked() const {
    for (size_t count = 0; count < stack_.size(); ++count) {
      if (stack_[stack_.size() - 1 - count]->kind == Value::Kind::kMark) return count;
    }
    return Refuse("has a damaged pickle");
  }

  absl::Status PushMarkedTuple() {
    DBN_ASSIGN_OR_RETURN(const size_t count, CountMarked());
    DBN_RETURN_IF_ERROR(PushTuple(count));
    ValuePtr tuple = std::move(stack_.back());
    stack_.pop_back();
    stack_.back() = std::move(tuple);  // In the mark's place.
    return absl::OkStatus();
  }

  absl::Status UseMemo(char opcode) {
    DBN_ASSIGN_OR_RETURN(const absl::string_view bytes, Take(opcode == 'q' || opcode == 'h' ? 1 : 4));
    const uint64_t number = LittleEndian(bytes, bytes.size());
    if (opcode == 'q' || opcode == 'r') {
      if (stack_.empty()) return Refuse("has a damaged pickle");
      memo_[number] = stack_.back();
      return absl::OkStatus();
    }
    const auto found = memo_.find(number);
    return found == memo_.end() ? Refuse("has a damaged pickle") : Push(found->second);
  }

  absl::Status PushStorage() {
    DBN_ASSIGN_OR_RETURN(const ValuePtr id, Pop());
    DBN_ASSIGN_OR_RETURN(ValuePtr storage, LoadStorage(*id));
    return Push(std::move(storage));
  }

  absl::Status Reduce() {
    DBN_ASSIGN_OR_RETURN(const ValuePtr arguments, Pop());
    DBN_ASSIGN_OR_RETURN(const ValuePtr function, Pop());
    if (function->kind == Value::Kind::kName && function->text == kOrderedDict && arguments->items.empty()) {
      return Push(MakeDict());
    }
    if (function->kind != Value::Kind::kName || function->text != kRebuildTensor) {
      return Refuse("has an entry that is no plain tensor");
    }
    DBN_ASSIGN_OR_RETURN(ValuePtr tensor, RebuildTensor(*arguments));
    return Push(std::move(tensor));
  }

  absl::Status SetMarkedItems() {
    DBN_ASSIGN_OR_RETURN(const size_t count, CountMarked());
    const size_t first = stack_.size() - count;
    stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(first) - 1);
    return SetItems(first - 1);
  }

  // Keys and values stand from `first` on, below them their dictionary.
  absl::Status SetItems(size_t first) {
    if (first == 0 || (stack_.size() - first) % 2 != 0 || stack_[first - 1]->kind != Value::Kind::kDict) {
      return Refuse("has a damaged pickle");
    }
    Entries* entries = stack_[first - 1]->entries.get();
    for (size_t i = first; i < stack_.size(); i += 2) {
      ValuePtr &key = stack_[i], &value = stack_[i + 1];
      if (key->kind != Value::Kind::kText) return Refuse("has a key that is no text");
      if (value->kind != Value::Kind::kVector) {
        return Refuse(absl::StrCat("has no tensor at '", ShowText(key->text, kShownCharacters), "'"));
      }
      entries->emplace_back(std::move(key), std::move(value));
    }
    stack_.resize(first);
    return absl::OkStatus();
  }

  absl::string_view rest_;
  const size_t bytes_;  // Of the whole pickle.
  bool stopped_ = false;
  std::vector<ValuePtr> stack_;
  absl::flat_hash_map<uint64_t, ValuePtr> memo_;
};

}  // namespace

absl::StatusOr<PickledVectors> ParseTorchPickle(absl::string_view pickle) { return Interpreter(pickle).Run(); }

}  // namespace deepbindnet
