#include "core/csv/npy.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/little_endian.h"
#include "core/base/text.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr absl::string_view kRemedy =
    "save a float32 matrix of a row for each protein with numpy.save(path, numpy.ascontiguousarray(matrix))";

absl::Status Refuse(absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat(what, "; ", kRemedy)); }

// The Python dictionary's text, and the bytes before the values.
struct Header {
  absl::string_view text;
  size_t bytes = 0;
};

absl::StatusOr<Header> FindHeader(absl::string_view file) {
  if (!absl::StartsWith(file, kMagic) || file.size() < 12) return Refuse("is no .npy file");
  const size_t length_bytes = file[6] == 1 ? 2 : 4;  // Major version 1, or 2 and 3.
  const size_t begin = 8 + length_bytes;
  const uint64_t length = LittleEndian(file.substr(8), length_bytes);
  if (length > file.size() - begin) return Refuse("is cut off");
  return Header{file.substr(begin, length), begin + length};
}

// What stands behind `'key':`, up to the end of the header; empty where there is no such key.
absl::string_view Behind(absl::string_view header, absl::string_view key) {
  const std::string quoted = absl::StrCat("'", key, "':");
  const size_t found = header.find(quoted);
  if (found == absl::string_view::npos) return "";
  return absl::StripLeadingAsciiWhitespace(header.substr(found + quoted.size()));
}

absl::StatusOr<FloatType> ReadType(absl::string_view header) {
  const absl::string_view description = Behind(header, "descr");
  if (absl::StartsWith(description, "'<f2'")) return FloatType::kFloat16;
  if (absl::StartsWith(description, "'<f4'")) return FloatType::kFloat32;
  if (absl::StartsWith(description, "'<f8'")) return FloatType::kFloat64;
  return Refuse(absl::StrCat("has values of type ", ShowText(description.substr(0, description.find(',')), 20),
                             ", not of little-endian float16, float32 or float64"));
}

// "(3, 4)" as {3, 4}.
absl::StatusOr<std::vector<int64_t>> ReadShape(absl::string_view header) {
  absl::string_view text = Behind(header, "shape");
  text = text.substr(0, text.find(')'));
  if (!absl::StartsWith(text, "(")) return Refuse("has a damaged header");
  std::vector<int64_t> shape;
  for (const absl::string_view size : absl::StrSplit(text.substr(1), ',', absl::SkipWhitespace())) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(size, &number) || number < 0) return Refuse("has a damaged header");
    shape.push_back(number);
  }
  return shape;
}

}  // namespace

absl::StatusOr<NpyMatrix> ParseNpy(absl::string_view file) {
  DBN_ASSIGN_OR_RETURN(const Header header, FindHeader(file));
  NpyMatrix matrix;
  DBN_ASSIGN_OR_RETURN(matrix.type, ReadType(header.text));
  DBN_ASSIGN_OR_RETURN(const std::vector<int64_t> shape, ReadShape(header.text));
  if (shape.size() != 2) return Refuse(absl::StrCat("has ", shape.size(), " dimensions, not 2"));
  if (!absl::StartsWith(Behind(header.text, "fortran_order"), "False")) {
    return Refuse("is stored column by column");
  }
  matrix.rows = shape[0];
  matrix.columns = shape[1];
  matrix.values = file.substr(header.bytes);
  int64_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(matrix.rows, matrix.columns, &bytes) ||
                         __builtin_mul_overflow(bytes, static_cast<int64_t>(FloatBytes(matrix.type)), &bytes);
  if (!overflows && bytes == static_cast<int64_t>(matrix.values.size())) return matrix;
  return Refuse(absl::StrCat("has ", matrix.values.size(), " bytes of values, which a matrix of ", matrix.rows, " x ",
                             matrix.columns, " does not have; the file is damaged or cut off"));
}

}  // namespace deepbindnet
