#include "core/data/processed_dataset.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/compute/torch_util.h"
#include "core/data/entity_codec.h"
#include "core/data/manifest.h"
#include "core/data/tensor_columns.h"

namespace deepbindnet {
namespace {

constexpr char kManifestFile[] = "manifest.json";
constexpr char kEntitiesFile[] = "entities.pt";
constexpr char kScalerFile[] = "scaler_params.pt";

// What belongs to a part.
struct PartEntry {
  Part part;
  const char* file;
  PairTable ProcessedDataset::*table;
  int64_t DatasetManifest::*pairs;
};
constexpr std::array<PartEntry, 3> kParts = {
    {{Part::kTrain, "train_data.pt", &ProcessedDataset::train, &DatasetManifest::train_pairs},
     {Part::kVal, "val_data.pt", &ProcessedDataset::val, &DatasetManifest::val_pairs},
     {Part::kTest, "test_data.pt", &ProcessedDataset::test, &DatasetManifest::test_pairs}}};

std::string PathOf(const std::string& directory, const std::string& file) { return absl::StrCat(directory, "/", file); }

TensorDict EncodePairs(const PairTable& pairs) {
  TensorDict dict = MakeTensorDict();
  dict.insert("drug", MakeColumn(pairs.drug));
  dict.insert("target", MakeColumn(pairs.target));
  dict.insert("affinity", MakeColumn(pairs.affinity));
  dict.insert("row", MakeColumn(pairs.row));
  return dict;
}

absl::StatusOr<PairTable> DecodePairs(const TensorDict& dict, int64_t drugs, int64_t targets) {
  PairTable pairs;
  DBN_ASSIGN_OR_RETURN(pairs.affinity, GetColumn<double>(dict, "affinity", -1));
  DBN_ASSIGN_OR_RETURN(pairs.drug, GetColumn<int32_t>(dict, "drug", pairs.size()));
  DBN_ASSIGN_OR_RETURN(pairs.target, GetColumn<int32_t>(dict, "target", pairs.size()));
  DBN_ASSIGN_OR_RETURN(pairs.row, GetColumn<int64_t>(dict, "row", pairs.size()));
  DBN_RETURN_IF_ERROR(CheckRange(pairs.drug, drugs, "drug"));
  DBN_RETURN_IF_ERROR(CheckRange(pairs.target, targets, "target"));
  if (!std::all_of(pairs.affinity.begin(), pairs.affinity.end(), [](double value) { return std::isfinite(value); })) {
    return absl::InvalidArgumentError("'affinity' has a value that is not finite");
  }
  return pairs;
}

TensorDict EncodeScaler(const Scaler& scaler, const std::string& unit) {
  TensorDict dict = MakeTensorDict();
  dict.insert("mean", MakeNumber(scaler.mean));
  dict.insert("sd", MakeNumber(scaler.sd));
  dict.insert("affinity_unit", unit);
  return dict;
}

absl::StatusOr<Scaler> DecodeScaler(const TensorDict& dict) {
  Scaler scaler;
  DBN_ASSIGN_OR_RETURN(scaler.mean, GetNumber(dict, "mean"));
  DBN_ASSIGN_OR_RETURN(scaler.sd, GetNumber(dict, "sd"));
  if (std::isfinite(scaler.mean) && std::isfinite(scaler.sd) && scaler.sd > 0.0) return scaler;
  return absl::InvalidArgumentError("'mean' and 'sd' are no scaler's");
}

// Reads one .pt file whose digest the manifest vouches for.
absl::StatusOr<TensorDict> LoadVerified(const std::string& directory, const std::string& file,
                                        const FileDigests& digests) {
  const std::string path = PathOf(directory, file);
  auto contents = ReadFile(path);
  if (absl::IsNotFound(contents.status())) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is missing; prepare the data set again"));
  }
  DBN_RETURN_IF_ERROR(contents.status());
  const auto expected = digests.find(file);
  if (expected == digests.end() || expected->second != Sha256Hex(*contents)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is not the file that ", kManifestFile, " describes; prepare the data set again"));
  }
  return ParseDict(*std::move(contents), path);
}

int64_t FeatureDimOf(const std::vector<ProteinEntry>& proteins) {
  return proteins.empty() ? 0 : static_cast<int64_t>(proteins.front().features.size());
}

absl::Status LoadEntities(const std::string& directory, const FileDigests& digests, ProcessedDataset* dataset) {
  DBN_ASSIGN_OR_RETURN(const TensorDict dict, LoadVerified(directory, kEntitiesFile, digests));
  absl::Status decoded = DecodeEntities(dict, &dataset->molecules, &dataset->proteins);
  if (decoded.ok() && FeatureDimOf(dataset->proteins) != dataset->manifest.protein_feature_dim) {
    decoded = absl::InvalidArgumentError("has protein features of another dimension than the manifest says");
  }
  return Annotate(decoded, PathOf(directory, kEntitiesFile));
}

absl::Status LoadScaler(const std::string& directory, const FileDigests& digests, ProcessedDataset* dataset) {
  DBN_ASSIGN_OR_RETURN(const TensorDict dict, LoadVerified(directory, kScalerFile, digests));
  auto scaler = DecodeScaler(dict);
  if (!scaler.ok()) return Annotate(scaler.status(), PathOf(directory, kScalerFile));
  dataset->scaler = *scaler;
  return absl::OkStatus();
}

absl::Status LoadPart(const std::string& directory, const PartEntry& part, const FileDigests& digests,
                      ProcessedDataset* dataset) {
  DBN_ASSIGN_OR_RETURN(const TensorDict dict, LoadVerified(directory, part.file, digests));
  auto pairs = DecodePairs(dict, static_cast<int64_t>(dataset->molecules.size()),
                           static_cast<int64_t>(dataset->proteins.size()));
  if (pairs.ok() && pairs->size() != dataset->manifest.*part.pairs) {
    pairs = absl::InvalidArgumentError("has another number of pairs than the manifest says");
  }
  if (!pairs.ok()) return Annotate(pairs.status(), PathOf(directory, part.file));
  dataset->*part.table = *std::move(pairs);
  return absl::OkStatus();
}

absl::Status ReadManifest(const std::string& directory, DatasetManifest* manifest, FileDigests* digests) {
  const std::string path = PathOf(directory, kManifestFile);
  const auto json = ReadFile(path);
  if (absl::IsNotFound(json.status())) {
    return absl::NotFoundError(
        absl::StrCat(directory, ": holds no data set (no ", kManifestFile, "); prepare one there first"));
  }
  DBN_RETURN_IF_ERROR(json.status());
  return Annotate(ParseManifest(*json, manifest, digests), path);
}

}  // namespace

PairTable PairTable::Slice(int64_t begin, int64_t end) const {
  const auto slice = [begin, end](const auto& column) {
    return std::decay_t<decltype(column)>(column.begin() + begin, column.begin() + end);
  };
  return {slice(drug), slice(target), slice(affinity), slice(row)};
}

absl::Status RemoveManifest(const std::string& directory) {
  const std::string path = PathOf(directory, kManifestFile);
  if (std::remove(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("cannot replace ", path, ": ", std::strerror(errno)));
}

absl::Status SaveProcessedDataset(const std::string& directory, ProcessedDataset* dataset) {
  DBN_RETURN_IF_ERROR(MakeDirectories(directory));
  RemoveUnfinishedFiles(directory);
  DBN_RETURN_IF_ERROR(RemoveManifest(directory));
  FileDigests digests;
  const auto save = [&directory, &digests](const std::string& file, const TensorDict& dict) -> absl::Status {
    return SaveDict(PathOf(directory, file), dict, &digests[file]);
  };
  DBN_RETURN_IF_ERROR(save(kEntitiesFile, EncodeEntities(dataset->molecules, dataset->proteins)));
  DBN_RETURN_IF_ERROR(save(kScalerFile, EncodeScaler(dataset->scaler, dataset->manifest.affinity_unit)));
  for (const PartEntry& part : kParts) DBN_RETURN_IF_ERROR(save(part.file, EncodePairs(dataset->*part.table)));
  dataset->manifest.digest = CombineDigests(digests);
  return WriteFileAtomically(PathOf(directory, kManifestFile), ManifestToJson(dataset->manifest, digests));
}

absl::StatusOr<ProcessedDataset> LoadProcessedDataset(const std::string& directory, const std::vector<Part>& parts) {
  ProcessedDataset dataset;
  FileDigests digests;
  DBN_RETURN_IF_ERROR(ReadManifest(directory, &dataset.manifest, &digests));
  DBN_RETURN_IF_ERROR(LoadEntities(directory, digests, &dataset));
  DBN_RETURN_IF_ERROR(LoadScaler(directory, digests, &dataset));
  for (const PartEntry& part : kParts) {
    if (std::find(parts.begin(), parts.end(), part.part) == parts.end()) continue;
    DBN_RETURN_IF_ERROR(LoadPart(directory, part, digests, &dataset));
  }
  return dataset;
}

absl::StatusOr<DatasetManifest> LoadManifest(const std::string& directory) {
  DatasetManifest manifest;
  FileDigests digests;
  DBN_RETURN_IF_ERROR(ReadManifest(directory, &manifest, &digests));
  return manifest;
}

}  // namespace deepbindnet
