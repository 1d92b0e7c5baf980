// Vectors of proteins that the user supplies, for example means of a language model's embeddings.
#ifndef DEEPBINDNET_CORE_CSV_PROTEIN_FEATURES_H_
#define DEEPBINDNET_CORE_CSV_PROTEIN_FEATURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Largest file of vectors, which is read whole.
inline constexpr int64_t kMaxFeatureFileBytes = int64_t{4} << 30;

// One vector for each key, a protein's sequence or id.
class ProteinFeatures {
 public:
  // Reads `path` (docs/formats/protein_features.md): `.pt`, a dictionary from key to vector that Python's torch.save
  // wrote, or `.npy`, a matrix beside a text file of the same name with a key on each line. No code of the file is run,
  // and memory is in proportion to the file. INVALID_ARGUMENT names the file and the key at fault and what would be
  // right: vectors of different dimension, of none or of more than kMaxProteinFeatureDim, a value that is not finite, a
  // key that stands twice with different vectors.
  static absl::StatusOr<ProteinFeatures> Read(const std::string& path);

  // [dimension()], or null where there is none. `sequence` counts first, compared without regard to case, white space
  // and a stop `*` at the end; then `id`, compared exactly, unless it is empty.
  const std::vector<float>* Find(absl::string_view sequence, absl::string_view id) const;

  int64_t dimension() const { return dimension_; }
  int64_t size() const { return static_cast<int64_t>(of_id_.size()); }  // Keys.

 private:
  // One of vectors_ under one more key.
  absl::Status AddKey(const std::string& key, size_t vector);
  // INVALID_ARGUMENT without the file's name.
  absl::StatusOr<size_t> AddVector(std::vector<float> vector, const std::string& key);
  absl::Status ReadTorch(absl::string_view file);
  absl::Status ReadNpy(absl::string_view file, const std::vector<std::string>& keys);

  int64_t dimension_ = 0;
  std::vector<std::vector<float>> vectors_;               // Each [dimension_].
  absl::flat_hash_map<std::string, size_t> of_id_;        // Index into vectors_ by key as written.
  absl::flat_hash_map<std::string, size_t> of_sequence_;  // Index into vectors_ by key as a sequence.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_PROTEIN_FEATURES_H_
