#include "core/data/manifest.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/chem/molecular_graph.h"

namespace deepbindnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kFormat = "deepbindnet.processed";
constexpr int kFormatVersion = 1;

// Calls `visit` with the name and the member of every count: one list for writing and reading.
template <typename Manifest, typename Visit>
void VisitCounts(Manifest& manifest, Visit visit) {
  visit("rows_read", manifest.rows_read);
  visit("rows_rejected", manifest.rows_rejected);
  visit("duplicates_merged", manifest.duplicates_merged);
  visit("pairs_dropped", manifest.pairs_dropped);
  visit("drugs", manifest.drugs);
  visit("targets", manifest.targets);
  visit("train_pairs", manifest.train_pairs);
  visit("val_pairs", manifest.val_pairs);
  visit("test_pairs", manifest.test_pairs);
  visit("test_pairs_in_train", manifest.test_pairs_in_train);
  visit("test_drugs_in_train", manifest.test_drugs_in_train);
  visit("test_targets_in_train", manifest.test_targets_in_train);
}

Json SplitToJson(const SplitOptions& split) {
  Json json;
  json["method"] = std::string(SplitMethodName(split.method));
  json["split_column"] = split.split_column;
  json["test_size"] = split.test_size;
  json["val_size"] = split.val_size;
  json["seed"] = split.seed;
  return json;
}

absl::StatusOr<SplitOptions> SplitFromJson(const Json& json) {
  SplitOptions split;
  DBN_ASSIGN_OR_RETURN(split.method, ParseSplitMethod(json.at("method").get<std::string>()));
  split.split_column = json.at("split_column").get<std::string>();
  split.test_size = json.at("test_size").get<double>();
  split.val_size = json.at("val_size").get<double>();
  split.seed = json.at("seed").get<uint64_t>();
  return split;
}

absl::Status CheckVersion(const Json& json) {
  if (json.at("format").get<std::string>() != kFormat) return absl::InvalidArgumentError("is no data set's manifest");
  const int version = json.at("format_version").get<int>();
  const int features = json.at("feature_version").get<int>();
  if (version == kFormatVersion && features == kFeatureVersion) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("has format version ", version, " and feature version ", features,
                                                 "; this program reads ", kFormatVersion, " and ", kFeatureVersion,
                                                 ": prepare the data set again"));
}

absl::Status FromJson(const Json& json, DatasetManifest* manifest, FileDigests* files) {
  DBN_RETURN_IF_ERROR(CheckVersion(json));
  manifest->source = json.at("source").get<std::string>();
  manifest->affinity_unit = json.at("affinity_unit").get<std::string>();
  // Older manifests have neither direction nor features.
  if (json.contains("affinity_direction")) {
    DBN_ASSIGN_OR_RETURN(manifest->affinity_direction,
                         ParseAffinityDirection(json.at("affinity_direction").get<std::string>()));
  } else {
    manifest->affinity_direction = GuessAffinityDirection(manifest->affinity_unit, "");
  }
  manifest->protein_feature_dim = json.value("protein_feature_dim", int64_t{0});
  DBN_ASSIGN_OR_RETURN(manifest->split, SplitFromJson(json.at("split")));
  if (json.contains("split_labels"))
    manifest->split_labels = json.at("split_labels").get<decltype(manifest->split_labels)>();
  VisitCounts(*manifest, [&json](const char* name, int64_t& count) { count = json.at(name).get<int64_t>(); });
  manifest->digest = json.at("digest").get<std::string>();
  *files = json.at("files").get<FileDigests>();
  if (CombineDigests(*files) != manifest->digest)
    return absl::InvalidArgumentError("has a digest that is not its files'");
  return absl::OkStatus();
}

}  // namespace

std::string CombineDigests(const FileDigests& files) {
  std::string lines;
  for (const auto& [name, digest] : files) absl::StrAppend(&lines, name, " ", digest, "\n");
  return Sha256Hex(lines);
}

std::string ManifestToJson(const DatasetManifest& manifest, const FileDigests& files) {
  Json json;
  json["format"] = std::string(kFormat);
  json["format_version"] = kFormatVersion;
  json["feature_version"] = kFeatureVersion;
  json["source"] = manifest.source;
  json["affinity_unit"] = manifest.affinity_unit;
  json["affinity_direction"] = std::string(AffinityDirectionName(manifest.affinity_direction));
  json["protein_feature_dim"] = manifest.protein_feature_dim;
  json["split"] = SplitToJson(manifest.split);
  if (!manifest.split_labels.empty()) json["split_labels"] = manifest.split_labels;
  VisitCounts(manifest, [&json](const char* name, int64_t count) { json[name] = count; });
  json["digest"] = manifest.digest;
  json["files"] = files;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::Status ParseManifest(absl::string_view json, DatasetManifest* manifest, FileDigests* files) {
  try {
    return FromJson(Json::parse(json.begin(), json.end()), manifest, files);
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("is damaged: ", error.what()));
  }
}

}  // namespace deepbindnet
