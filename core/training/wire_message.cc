#include "core/training/wire_message.h"

#include "core/base/little_endian.h"

namespace deepbindnet {
namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

template <typename Value>
std::string Packed(const std::vector<Value>& values) {
  std::string packed;
  for (const Value value : values) AppendLittleEndian(value, &packed);
  return packed;
}

}  // namespace

void WireMessage::Varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>((value & 0x7f) | 0x80));
  bytes_.push_back(static_cast<char>(value));
}

void WireMessage::Key(int field, int wire_type) { Varint(static_cast<uint64_t>(field) << 3 | wire_type); }

WireMessage& WireMessage::Integer(int field, int64_t value) {
  Key(field, kVarint);
  Varint(static_cast<uint64_t>(value));
  return *this;
}

WireMessage& WireMessage::Double(int field, double value) {
  Key(field, kFixed64);
  AppendLittleEndian(value, &bytes_);
  return *this;
}

WireMessage& WireMessage::Float(int field, float value) {
  Key(field, kFixed32);
  AppendLittleEndian(value, &bytes_);
  return *this;
}

WireMessage& WireMessage::Bytes(int field, absl::string_view value) {
  Key(field, kLengthDelimited);
  Varint(value.size());
  bytes_.append(value.data(), value.size());
  return *this;
}

WireMessage& WireMessage::Message(int field, const WireMessage& value) { return Bytes(field, value.bytes()); }

WireMessage& WireMessage::Doubles(int field, const std::vector<double>& values) { return Bytes(field, Packed(values)); }

WireMessage& WireMessage::Floats(int field, const std::vector<float>& values) { return Bytes(field, Packed(values)); }

}  // namespace deepbindnet
