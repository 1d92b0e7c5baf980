// Any text as manifest.json: refused, or a manifest that is written and read back the same.
#include <cstdint>
#include <cstdlib>

#include "core/data/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  deepbindnet::DatasetManifest manifest, again;
  deepbindnet::FileDigests files, files_again;
  if (!deepbindnet::ParseManifest({reinterpret_cast<const char*>(data), size}, &manifest, &files).ok()) return 0;
  const std::string text = deepbindnet::ManifestToJson(manifest, files);
  if (!deepbindnet::ParseManifest(text, &again, &files_again).ok()) std::abort();
  if (deepbindnet::ManifestToJson(again, files_again) != text) std::abort();
  return 0;
}
