// Vectors of proteins, in a file and in a request.
#ifndef DEEPBINDNET_TESTS_CLIENT_PROTEIN_VECTORS_H_
#define DEEPBINDNET_TESTS_CLIENT_PROTEIN_VECTORS_H_

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "deepbindnet/v1/deepbindnet.pb.h"

namespace deepbindnet::client {

// Writes a matrix of one row a key, as numpy.save does, beside its keys, a line each. Returns the file: `path`.npy.
inline std::string WriteNpy(const std::string& path, const std::vector<std::vector<float>>& rows,
                            const std::string& keys) {
  std::string header = absl::StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': (", rows.size(), ", ",
                                    rows.front().size(), "), }\n");
  std::ofstream file(path + ".npy", std::ios::binary);
  file << "\x93NUMPY\x01" << '\0' << static_cast<char>(header.size()) << '\0' << header;
  for (const auto& row : rows) {
    file.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
  std::ofstream(path + ".txt") << keys;
  return path + ".npy";
}

// The vectors of a request, one for each sequence.
inline std::vector<std::vector<float>> VectorsOf(const v1::PredictRequest& request) {
  std::vector<std::vector<float>> vectors;
  for (const auto& features : request.protein_features()) {
    vectors.emplace_back(features.values().begin(), features.values().end());
  }
  return vectors;
}

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_TESTS_CLIENT_PROTEIN_VECTORS_H_
