// manifest.json: the data set's description, and a digest of each of its files.
#ifndef DEEPBINDNET_CORE_DATA_MANIFEST_H_
#define DEEPBINDNET_CORE_DATA_MANIFEST_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/data/processed_dataset.h"

namespace deepbindnet {

// File name to SHA-256 in hex, for the .pt files.
using FileDigests = std::map<std::string, std::string>;

// What DatasetManifest::digest is: the SHA-256 of the names and digests in order of name.
std::string CombineDigests(const FileDigests& files);

std::string ManifestToJson(const DatasetManifest& manifest, const FileDigests& files);

// INVALID_ARGUMENT where the text is no manifest, or one of another format or feature version.
absl::Status ParseManifest(absl::string_view json, DatasetManifest* manifest, FileDigests* files);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_MANIFEST_H_
