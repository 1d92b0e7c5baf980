// The parsers of files with vectors of proteins: archives and pickles as torch.save writes them, matrices as numpy.save
// does, and vectors as text.
#include <cstdint>
#include <cstdlib>

#include "core/csv/feature_text.h"
#include "core/csv/npy.h"
#include "core/csv/stored_zip.h"
#include "core/csv/torch_pickle.h"

namespace deepbindnet {
namespace {

// What a pickle is read to is in proportion to it, whatever it claims.
void ReadPickle(absl::string_view pickle) {
  const auto vectors = ParseTorchPickle(pickle);
  if (!vectors.ok()) return;
  size_t bytes = 0;
  for (const auto& [key, vector] : *vectors) bytes += key.size() + vector.storage.size();
  if (vectors->size() > pickle.size() || bytes > 20 * pickle.size()) std::abort();
}

void ReadArchive(absl::string_view archive) {
  const auto members = ReadStoredZip(archive);
  if (!members.ok()) return;
  for (const auto& [name, bytes] : *members) {
    if (bytes.size() > archive.size()) std::abort();
    ReadPickle(bytes);
  }
}

void ReadMatrix(absl::string_view file) {
  const auto matrix = ParseNpy(file);
  if (!matrix.ok()) return;
  const auto values = static_cast<size_t>(matrix->rows * matrix->columns);
  if (values * FloatBytes(matrix->type) != matrix->values.size()) std::abort();
}

}  // namespace
}  // namespace deepbindnet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  deepbindnet::ReadPickle(bytes);
  deepbindnet::ReadArchive(bytes);
  deepbindnet::ReadMatrix(bytes);
  const auto features = deepbindnet::ParseFeatures(bytes);
  if (features.ok() && *deepbindnet::ParseFeatures(deepbindnet::FormatFeatures(*features)) != *features) std::abort();
  return 0;
}
