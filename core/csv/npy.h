// Matrices as NumPy's numpy.save writes them.
#ifndef DEEPBINDNET_CORE_CSV_NPY_H_
#define DEEPBINDNET_CORE_CSV_NPY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/csv/float_array.h"

namespace deepbindnet {

struct NpyMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  FloatType type = FloatType::kFloat32;
  absl::string_view values;  // [rows, columns], row by row; part of the file.
};

// Finds the matrix in `file`, which must outlive the result. INVALID_ARGUMENT, without a file's name, where the bytes
// are no .npy file, hold an array of other than two dimensions, of another type than little-endian float16, float32 or
// float64, stored column by column, or are not as many as its shape says.
absl::StatusOr<NpyMatrix> ParseNpy(absl::string_view file);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_NPY_H_
