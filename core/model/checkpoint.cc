#include "core/model/checkpoint.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/chem/molecular_graph.h"

namespace deepbindnet {
namespace {

constexpr char kFormat[] = "deepbindnet-checkpoint";
constexpr int kVersion = 5;
constexpr char kPrior[] = "similarity_prior";

nlohmann::json OptionsToJson(const ModelOptions& options) {
  return {{"model_type", std::string(ModelTypeName(options.model_type))},
          {"members", options.members},
          {"hidden_dim", options.hidden_dim},
          {"feature_dim", options.feature_dim},
          {"fusion_heads", options.fusion_heads},
          {"fusion_layers", options.fusion_layers},
          {"dropout_rate", options.dropout_rate},
          {"gate_kind", std::string(GateKindName(options.gate_kind))},
          {"gate_initial_bias", options.gate_initial_bias},
          {"drug_layers", options.drug_layers},
          {"residues_per_token", options.residues_per_token},
          {"max_sequence_length", options.max_sequence_length},
          {"similarity_prior", options.similarity_prior},
          {"protein_feature_dim", options.protein_feature_dim},
          {"lowest_level", options.lowest_level},
          {"highest_level", options.highest_level}};
}

// Throws nlohmann::json::exception where a field is missing or of another type.
absl::StatusOr<ModelOptions> OptionsFromJson(const nlohmann::json& json) {
  ModelOptions options;
  DBN_ASSIGN_OR_RETURN(options.model_type, ParseModelType(json.at("model_type").get<std::string>()));
  DBN_ASSIGN_OR_RETURN(options.gate_kind, ParseGateKind(json.at("gate_kind").get<std::string>()));
  json.at("members").get_to(options.members);
  json.at("hidden_dim").get_to(options.hidden_dim);
  json.at("feature_dim").get_to(options.feature_dim);
  json.at("fusion_heads").get_to(options.fusion_heads);
  json.at("fusion_layers").get_to(options.fusion_layers);
  json.at("dropout_rate").get_to(options.dropout_rate);
  json.at("gate_initial_bias").get_to(options.gate_initial_bias);
  json.at("drug_layers").get_to(options.drug_layers);
  json.at("residues_per_token").get_to(options.residues_per_token);
  json.at("max_sequence_length").get_to(options.max_sequence_length);
  json.at("similarity_prior").get_to(options.similarity_prior);
  json.at("protein_feature_dim").get_to(options.protein_feature_dim);
  json.at("lowest_level").get_to(options.lowest_level);
  json.at("highest_level").get_to(options.highest_level);
  DBN_RETURN_IF_ERROR(ValidateModelOptions(options));
  return options;
}

absl::StatusOr<TensorDict> GetDict(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isGenericDict()) {
    return absl::InvalidArgumentError(absl::StrCat("no dictionary '", key, "'"));
  }
  return found->value().toGenericDict();
}

absl::StatusOr<Checkpoint> FromDict(const TensorDict& dict) {
  DBN_ASSIGN_OR_RETURN(const std::string config_text, GetString(dict, "config"));
  Checkpoint checkpoint;
  try {
    const nlohmann::json config = nlohmann::json::parse(config_text);
    if (config.at("format") != kFormat) return absl::InvalidArgumentError("not a checkpoint of DeepBindNet");
    if (config.at("version") != kVersion || config.at("feature_version") != kFeatureVersion) {
      return absl::InvalidArgumentError("made by another version of DeepBindNet; train the model again");
    }
    DBN_ASSIGN_OR_RETURN(checkpoint.options, OptionsFromJson(config.at("model")));
    config.at("scaler").at("mean").get_to(checkpoint.scaler.mean);
    config.at("scaler").at("sd").get_to(checkpoint.scaler.sd);
    const Scaler& scaler = checkpoint.scaler;
    if (!std::isfinite(scaler.mean) || !std::isfinite(scaler.sd) || scaler.sd <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("scaler: a mean of ", scaler.mean, " and an sd of ", scaler.sd, " are no scaler's"));
    }
    config.at("affinity_unit").get_to(checkpoint.affinity_unit);
    DBN_ASSIGN_OR_RETURN(checkpoint.affinity_direction,
                         ParseAffinityDirection(config.at("affinity_direction").get<std::string>()));
    config.at("dataset_digest").get_to(checkpoint.dataset_digest);
    config.at("epoch").get_to(checkpoint.epoch);
    checkpoint.training = config.at("training").dump();
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("bad configuration: ", error.what()));
  }
  if (checkpoint.options.protein_feature_dim > 0) {
    DBN_ASSIGN_OR_RETURN(const TensorDict vectors, GetDict(dict, "protein_features"));
    DBN_ASSIGN_OR_RETURN(checkpoint.protein_vectors,
                         DecodeProteinVectors(vectors, checkpoint.options.protein_feature_dim));
  }
  if (dict.contains(kPrior)) {
    DBN_ASSIGN_OR_RETURN(const TensorDict encoded, GetDict(dict, kPrior));
    absl::StatusOr<SimilarityPrior> prior = SimilarityPrior::Decode(encoded);
    if (!prior.ok()) return Annotate(prior.status(), kPrior);
    checkpoint.prior = std::make_shared<const SimilarityPrior>(*std::move(prior));
  }
  DBN_ASSIGN_OR_RETURN(checkpoint.weights, GetDict(dict, "weights"));
  DBN_ASSIGN_OR_RETURN(checkpoint.training_state, GetDict(dict, "training_state"));
  return checkpoint;
}

}  // namespace

std::string ModelOptionsToJson(const ModelOptions& options) { return OptionsToJson(options).dump(); }

TensorDict CopyWeights(const torch::nn::Module& model) {
  TensorDict weights = MakeTensorDict();
  for (const auto& item : model.named_parameters()) {
    weights.insert(item.key(), item.value().detach().to(torch::kCPU, torch::kFloat32, false, true).contiguous());
  }
  return weights;
}

absl::Status SaveCheckpoint(const std::string& path, const Checkpoint& checkpoint) {
  const nlohmann::json config = {
      {"format", kFormat},
      {"version", kVersion},
      {"feature_version", kFeatureVersion},
      {"model", OptionsToJson(checkpoint.options)},
      {"scaler", {{"mean", checkpoint.scaler.mean}, {"sd", checkpoint.scaler.sd}}},
      {"affinity_unit", checkpoint.affinity_unit},
      {"affinity_direction", std::string(AffinityDirectionName(checkpoint.affinity_direction))},
      {"dataset_digest", checkpoint.dataset_digest},
      {"epoch", checkpoint.epoch},
      {"training",
       checkpoint.training.empty() ? nlohmann::json::object() : nlohmann::json::parse(checkpoint.training)}};
  TensorDict dict = MakeTensorDict();
  dict.insert("config", config.dump());
  if (checkpoint.options.protein_feature_dim > 0) {
    dict.insert("protein_features",
                EncodeProteinVectors(checkpoint.protein_vectors, checkpoint.options.protein_feature_dim));
  }
  if (checkpoint.prior != nullptr) dict.insert(kPrior, checkpoint.prior->Encode());
  dict.insert("weights", checkpoint.weights);
  dict.insert("training_state", checkpoint.training_state);
  return SaveDict(path, dict);
}

absl::StatusOr<Checkpoint> LoadCheckpoint(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(std::string contents, ReadFile(path));
  return ParseCheckpoint(std::move(contents), path);
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string contents, const std::string& path) {
  DBN_ASSIGN_OR_RETURN(const TensorDict dict, ParseDict(std::move(contents), path));
  absl::StatusOr<Checkpoint> checkpoint = FromDict(dict);
  if (!checkpoint.ok()) return Annotate(checkpoint.status(), path);
  return checkpoint;
}

absl::StatusOr<LoadedModel> LoadModel(const std::string& path, const torch::Device& device) {
  DBN_ASSIGN_OR_RETURN(std::string contents, ReadFile(path));
  LoadedModel loaded;
  loaded.digest = Sha256Hex(contents);
  DBN_ASSIGN_OR_RETURN(loaded.checkpoint, ParseCheckpoint(std::move(contents), path));
  absl::StatusOr<AffinityModel> model = MakeModel(loaded.checkpoint, device);
  if (!model.ok()) return Annotate(model.status(), path);
  loaded.model = *std::move(model);
  return loaded;
}

absl::StatusOr<AffinityModel> MakeModel(const Checkpoint& checkpoint, const torch::Device& device) {
  AffinityModel model(checkpoint.options);
  torch::NoGradGuard no_grad;
  for (auto& item : model->named_parameters()) {
    DBN_ASSIGN_OR_RETURN(const torch::Tensor weight, GetTensor(checkpoint.weights, item.key()));
    if (weight.sizes() != item.value().sizes() || !torch::isfinite(weight).all().item<bool>()) {
      return absl::InvalidArgumentError(absl::StrCat("weight '", item.key(), "' is damaged or of another shape"));
    }
    item.value().copy_(weight);
  }
  model->set_prior(checkpoint.prior);
  model->to(device);
  model->eval();
  return model;
}

}  // namespace deepbindnet
