#include "core/inference/predictor.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/compute/torch_util.h"
#include "core/data/entity_table.h"
#include "core/inference/build_explanation.h"
#include "core/model/checkpoint.h"
#include "core/model/mixed_precision.h"
#include "core/model/pair_trace.h"
#include "core/model/predict_pairs.h"

namespace deepbindnet {
namespace {

class ModelPredictor : public Predictor {
 public:
  ModelPredictor(AffinityModel model, torch::Device device, Scaler scaler, ProteinVectors vectors, PredictorInfo info)
      : model_(std::move(model)),
        device_(device),
        scaler_(scaler),
        vectors_(std::move(vectors)),
        info_(std::move(info)) {}

  absl::StatusOr<std::vector<absl::StatusOr<double>>> Predict(const PredictionInput& input) const override;
  absl::StatusOr<Explanation> Explain(const PredictionInput& input, size_t pair) const override;
  const PredictorInfo& info() const override { return info_; }

 private:
  absl::StatusOr<Protein> ReadProtein(const std::string& sequence) const;
  // The vector of a protein: `given`, or the one that the model knows. Null for a model without features.
  absl::StatusOr<const std::vector<float>*> FindFeatures(const Protein& protein, const std::vector<float>& given) const;

  const AffinityModel model_;
  const torch::Device device_;
  const Scaler scaler_;
  const ProteinVectors vectors_;
  const PredictorInfo info_;
};

absl::StatusOr<Protein> ModelPredictor::ReadProtein(const std::string& sequence) const {
  DBN_ASSIGN_OR_RETURN(Protein protein, ParseSequence(sequence));
  DBN_RETURN_IF_ERROR(CheckSequenceLength(protein.tokens.size(), model_->options()));
  return protein;
}

absl::StatusOr<const std::vector<float>*> ModelPredictor::FindFeatures(const Protein& protein,
                                                                       const std::vector<float>& given) const {
  const auto invalid = [](const std::string& problem) {
    return WithReason(absl::InvalidArgumentError(problem), "INVALID_PROTEIN_FEATURES");
  };
  const auto dimension = static_cast<size_t>(info_.protein_feature_dim);
  if (dimension == 0 && given.empty()) return nullptr;
  if (dimension == 0) return invalid("protein features: this model takes none; leave them out");
  if (given.empty()) {
    const auto known = vectors_.find(protein.sequence);
    if (known != vectors_.end()) return &known->second;
    return WithReason(absl::InvalidArgumentError(
                          absl::StrCat("protein features: this model takes ", dimension,
                                       " values for each protein and was not trained on this one; give its vector")),
                      "MISSING_PROTEIN_FEATURES");
  }
  if (given.size() != dimension) {
    return invalid(absl::StrCat("protein features: ", given.size(), " values, and this model takes ", dimension));
  }
  for (size_t i = 0; i < dimension; ++i) {
    if (!std::isfinite(given[i])) {
      return invalid(absl::StrCat("protein features: value ", i + 1, " is ", given[i], ", which is not finite"));
    }
  }
  return &given;
}

absl::Status CheckPair(const PredictionInput& input, size_t i) {
  const auto [drug, target] = input.pairs[i];
  if (drug < 0 || drug >= static_cast<int>(input.smiles.size())) {
    return InvalidField(absl::StrCat("pairs[", i, "].drug"), absl::StrCat(drug),
                        absl::StrCat("is not an index into the ", input.smiles.size(), " smiles"));
  }
  if (target < 0 || target >= static_cast<int>(input.sequences.size())) {
    return InvalidField(absl::StrCat("pairs[", i, "].target"), absl::StrCat(target),
                        absl::StrCat("is not an index into the ", input.sequences.size(), " sequences"));
  }
  return absl::OkStatus();
}

absl::Status CheckFeatures(const PredictionInput& input) {
  if (input.features.empty() || input.features.size() == input.sequences.size()) return absl::OkStatus();
  return InvalidField("protein_features", absl::StrCat(input.features.size(), " vectors"),
                      absl::StrCat("are not one for each of the ", input.sequences.size(), " sequences"));
}

absl::Status CheckInput(const PredictionInput& input) {
  for (size_t i = 0; i < input.pairs.size(); ++i) DBN_RETURN_IF_ERROR(CheckPair(input, i));
  return CheckFeatures(input);
}

// The vector that the caller gives for a sequence; empty where there is none.
const std::vector<float>& GivenFeatures(const PredictionInput& input, size_t sequence) {
  static const std::vector<float> kNotGiven;
  return input.features.empty() ? kNotGiven : input.features[sequence];
}

absl::StatusOr<std::vector<absl::StatusOr<double>>> ModelPredictor::Predict(const PredictionInput& input) const {
  DBN_RETURN_IF_ERROR(CheckInput(input));
  std::vector<absl::StatusOr<Molecule>> molecules;
  for (const std::string& smiles : input.smiles) molecules.push_back(ParseSmiles(smiles));
  std::vector<absl::StatusOr<Protein>> proteins;
  for (const std::string& sequence : input.sequences) proteins.push_back(ReadProtein(sequence));

  std::vector<const MolecularGraph*> graphs;
  for (const auto& molecule : molecules) graphs.push_back(molecule.ok() ? &molecule->graph : nullptr);
  FeatureList features;
  for (size_t i = 0; i < proteins.size(); ++i) {
    if (!proteins[i].ok()) {
      features.push_back(nullptr);
      continue;
    }
    const auto found = FindFeatures(*proteins[i], GivenFeatures(input, i));
    if (!found.ok()) proteins[i] = found.status();
    features.push_back(found.ok() ? *found : nullptr);
  }
  if (info_.protein_feature_dim == 0) features.clear();
  std::vector<const std::vector<uint8_t>*> tokens;
  for (const auto& protein : proteins) tokens.push_back(protein.ok() ? &protein->tokens : nullptr);
  std::vector<absl::StatusOr<double>> results(input.pairs.size(), 0.0);
  std::vector<PairIndex> readable;
  std::vector<size_t> position;
  for (size_t i = 0; i < input.pairs.size(); ++i) {
    const auto [drug, target] = input.pairs[i];
    if (!molecules[drug].ok()) {
      results[i] = molecules[drug].status();
    } else if (!proteins[target].ok()) {
      results[i] = proteins[target].status();
    } else {
      readable.push_back({drug, target});
      position.push_back(i);
    }
  }
  return CatchTorch([&]() -> absl::StatusOr<std::vector<absl::StatusOr<double>>> {
    const std::vector<double> z = PredictPairs(model_, device_, graphs, tokens, readable, features);
    for (size_t i = 0; i < z.size(); ++i) results[position[i]] = scaler_.Unscale(z[i]);
    return std::move(results);
  });
}

absl::StatusOr<Explanation> ModelPredictor::Explain(const PredictionInput& input, size_t pair) const {
  if (pair >= input.pairs.size()) {
    return InvalidField("pair", absl::StrCat(pair), absl::StrCat("is not one of the ", input.pairs.size(), " pairs"));
  }
  DBN_RETURN_IF_ERROR(CheckPair(input, pair));
  DBN_RETURN_IF_ERROR(CheckFeatures(input));
  const auto [drug, target] = input.pairs[pair];
  DBN_ASSIGN_OR_RETURN(const Molecule molecule, ParseSmiles(input.smiles[static_cast<size_t>(drug)]));
  DBN_ASSIGN_OR_RETURN(const Protein protein, ReadProtein(input.sequences[static_cast<size_t>(target)]));
  DBN_ASSIGN_OR_RETURN(const std::vector<std::string> symbols, AtomSymbols(molecule.canonical_smiles));
  DBN_ASSIGN_OR_RETURN(const std::vector<float>* const vector,
                       FindFeatures(protein, GivenFeatures(input, static_cast<size_t>(target))));
  const FeatureList features = vector == nullptr ? FeatureList{} : FeatureList{vector};
  const int residues_per_token = model_->options().residues_per_token;
  return CatchTorch([&]() -> absl::StatusOr<Explanation> {
    const EntityTable entities({&molecule.graph}, {&protein.tokens}, residues_per_token, features, device_);
    PairBatch batch = entities.Cut({{0, 0}});
    batch.prior = model_->Prior({&molecule.graph}, {&protein.tokens}, {{0, 0}});
    const PairTrace trace = TracePair(model_, batch);
    Explanation explanation = BuildExplanation(molecule, symbols, protein, residues_per_token, trace);
    explanation.value = scaler_.Unscale(trace.z);
    if (batch.prior.defined()) {
      explanation.prior = scaler_.Unscale(batch.prior.narrow(1, 0, kPriorSummands).sum().item<double>());
    }
    return explanation;
  });
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Predictor>> LoadPredictor(const std::string& checkpoint_path,
                                                               const std::string& device_name) {
  return CatchTorch([&]() -> absl::StatusOr<std::shared_ptr<const Predictor>> {
    DBN_ASSIGN_OR_RETURN(const torch::Device device, ParseDevice(device_name));
    DBN_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(checkpoint_path, device));
    const Checkpoint& checkpoint = loaded.checkpoint;
    PredictorInfo info;
    info.model_type = std::string(ModelTypeName(checkpoint.options.model_type));
    info.affinity_unit = checkpoint.affinity_unit;
    info.max_sequence_length = checkpoint.options.max_sequence_length;
    info.protein_feature_dim = checkpoint.options.protein_feature_dim;
    info.affinity_direction = checkpoint.affinity_direction;
    info.digest = loaded.digest;
    const std::vector<float> zeros(static_cast<size_t>(info.protein_feature_dim), 0.0F);
    auto predictor = std::make_shared<ModelPredictor>(loaded.model, device, checkpoint.scaler,
                                                      checkpoint.protein_vectors, std::move(info));
    DBN_RETURN_IF_ERROR(predictor->Predict({{"CCO"}, {"MKTAYIAKQR"}, {{0, 0}}, {zeros}}).status());
    return predictor;
  });
}

}  // namespace deepbindnet
