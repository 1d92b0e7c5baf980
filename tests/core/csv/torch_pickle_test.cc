#include "core/csv/torch_pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

// A number as the 4 bytes that lengths and large memo entries have.
std::string Four(uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}
std::string Text(const std::string& text) { return "X" + Four(static_cast<uint32_t>(text.size())) + text; }

// ("storage", torch.FloatStorage, "0", "cpu", 4), made a storage.
const std::string kStorage =
    "(" + Text("storage") + "ctorch\nFloatStorage\n" + Text("0") + Text("cpu") + "K\x04" + "tQ";

// A tensor of `size` values from `offset` on.
std::string Tensor(const std::string& offset = std::string("K\0", 2), const std::string& size = "K\x02",
                   const std::string& stride = "K\x01") {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + kStorage + offset + size + "\x85" + stride + "\x85" + "\x89" +
         "ccollections\nOrderedDict\n)RtR";
}

const std::string kStart = "\x80\x02}";

void ExpectRefused(const std::string& pickle, const std::string& message) {
  EXPECT_THAT(ParseTorchPickle(pickle), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message));
}

TEST(ParseTorchPickleTest, ReadsWhatStandsThere) {
  ASSERT_OK_AND_ASSIGN(const PickledVectors vectors,
                       ParseTorchPickle(kStart + "(" + Text("MK") + Tensor("M\x01\x02", "K\x03", "K\x02") + "u."));
  ASSERT_EQ(vectors.size(), 1u);
  EXPECT_EQ(vectors[0].first, "MK");
  EXPECT_EQ(vectors[0].second.storage, "0");
  EXPECT_EQ(vectors[0].second.type, FloatType::kFloat32);
  EXPECT_EQ(vectors[0].second.offset, 513);
  EXPECT_EQ(vectors[0].second.size, 3);
  EXPECT_EQ(vectors[0].second.stride, 2);
}

TEST(ParseTorchPickleTest, OneItemNeedsNoMark) {
  ASSERT_OK_AND_ASSIGN(const PickledVectors vectors, ParseTorchPickle(kStart + Text("MK") + Tensor() + "s."));
  EXPECT_EQ(vectors.size(), 1u);
}

TEST(ParseTorchPickleTest, NothingIsCalled) {
  ExpectRefused(
      "\x80\x02"
      "cposix\nsystem\n" +
          Text("touch /tmp/owned") + "\x85R.",
      "refers to 'posix system', which is no tensor and is never run");
  ExpectRefused(
      "\x80\x02"
      "c__builtin__\neval\n(" +
          Text("1") + "tR.",
      "refers to '__builtin__ eval'");
  ExpectRefused(
      "\x80\x02"
      "ctorch\nload\n)R.",
      "has an entry that is no plain tensor");
  ExpectRefused("\x80\x02)\x81.", "has the pickle opcode 129 at byte 3, which a dict of tensors does not need");
}

TEST(ParseTorchPickleTest, ForgedLengthsTakeNoMemory) {
  ExpectRefused(kStart + "X" + Four(0xFFFFFFFF) + "MK", "has a pickle that is cut off");
  ExpectRefused(kStart + "X" + Four(0x7FFFFFF0) + "MK", "has a pickle that is cut off");
  ExpectRefused(kStart + "r" + Four(0xFFFFFFFF), "has a pickle that is cut off");
  ExpectRefused("\x80\x02" + std::string(200000, 'N') + ".", "is nested too deeply");
  std::string nested = "\x80\x02N";
  for (int i = 0; i < 1000000; ++i) nested += '\x85';
  ExpectRefused(nested + ".", "is nested too deeply");
}

TEST(ParseTorchPickleTest, ATextThatIsReferredToAgainIsNotCopiedAgain) {
  std::string pickle = kStart + Text(std::string(1000, 'M')) + "q\x01" + Tensor() + "q\x02s";
  for (int i = 0; i < 100000; ++i) pickle += "h\x01h\x02s";
  ExpectRefused(pickle + ".", "has the key 'MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM' twice");
  ExpectRefused(
      kStart + "(" + Text("storage") + "ctorch\nFloatStorage\n" + Text(std::string(21, '0')) + Text("cpu") + "K\x04tQ.",
      "has a damaged tensor");
}

TEST(ParseTorchPickleTest, NumbersOutOfRangeAreRefused) {
  ExpectRefused(kStart + Text("A") + Tensor("J\xFF\xFF\xFF\xFF") + "s.", "has a tensor that repeats values");
  ExpectRefused(kStart + Text("A") + Tensor("K\x01", "J\xFF\xFF\xFF\xFF") + "s.", "has a tensor that repeats values");
  ExpectRefused(kStart + Text("A") + Tensor("K\x01", "K\x02", std::string("K\0", 2)) + "s.",
                "has a tensor that repeats values");
  ExpectRefused(kStart + "\x8a\x09" + std::string(9, 'x') + ".", "has a number that is too large");
}

TEST(ParseTorchPickleTest, DamagedPicklesAreRefused) {
  for (const std::string& pickle : std::vector<std::string>{
           "", kStart, "\x80", ".", "\x80\x02u.", "\x80\x02t.", "\x80\x02s.", "\x80\x02R.", "\x80\x02Q.",
           "\x80\x02h\x01.", "\x80\x02q\x01.", "\x80\x02\x87.", kStart + "(" + Text("A") + "u.",
           "\x80\x02N" + Text("A") + Text("B") + "s.", kStart + "(" + "u",
           "\x80\x02"
           "ctorch",
           "\x80\x02)Q.", "\x80\x02))R."}) {
    EXPECT_THAT(ParseTorchPickle(pickle), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", ""));
  }
}

}  // namespace
}  // namespace deepbindnet
