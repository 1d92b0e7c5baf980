#include "core/inference/predictor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/compute/torch_util.h"
#include "core/inference/build_explanation.h"
#include "core/model/checkpoint.h"
#include "core/model/mixed_precision.h"
#include "core/model/pair_trace.h"
#include "core/model/predict_pairs.h"

namespace deepbindnet {
namespace {

class ModelPredictor : public Predictor {
 public:
  ModelPredictor(AffinityModel model, torch::Device device, Scaler scaler, PredictorInfo info)
      : model_(std::move(model)), device_(device), scaler_(scaler), info_(std::move(info)) {}

  absl::StatusOr<std::vector<absl::StatusOr<double>>> Predict(const PredictionInput& input) const override;
  absl::StatusOr<Explanation> Explain(const PredictionInput& input, size_t pair) const override;
  const PredictorInfo& info() const override { return info_; }

 private:
  absl::StatusOr<Protein> ReadProtein(const std::string& sequence) const;

  const AffinityModel model_;
  const torch::Device device_;
  const Scaler scaler_;
  const PredictorInfo info_;
};

absl::StatusOr<Protein> ModelPredictor::ReadProtein(const std::string& sequence) const {
  DBN_ASSIGN_OR_RETURN(Protein protein, ParseSequence(sequence));
  DBN_RETURN_IF_ERROR(CheckSequenceLength(protein.tokens.size(), model_->options()));
  return protein;
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

absl::Status CheckIndices(const PredictionInput& input) {
  for (size_t i = 0; i < input.pairs.size(); ++i) DBN_RETURN_IF_ERROR(CheckPair(input, i));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<absl::StatusOr<double>>> ModelPredictor::Predict(const PredictionInput& input) const {
  DBN_RETURN_IF_ERROR(CheckIndices(input));
  std::vector<absl::StatusOr<Molecule>> molecules;
  for (const std::string& smiles : input.smiles) molecules.push_back(ParseSmiles(smiles));
  std::vector<absl::StatusOr<Protein>> proteins;
  for (const std::string& sequence : input.sequences) proteins.push_back(ReadProtein(sequence));

  std::vector<const MolecularGraph*> graphs;
  for (const auto& molecule : molecules) graphs.push_back(molecule.ok() ? &molecule->graph : nullptr);
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
    const std::vector<double> z = PredictPairs(model_, device_, graphs, tokens, readable);
    for (size_t i = 0; i < z.size(); ++i) results[position[i]] = scaler_.Unscale(z[i]);
    return std::move(results);
  });
}

absl::StatusOr<Explanation> ModelPredictor::Explain(const PredictionInput& input, size_t pair) const {
  if (pair >= input.pairs.size()) {
    return InvalidField("pair", absl::StrCat(pair), absl::StrCat("is not one of the ", input.pairs.size(), " pairs"));
  }
  DBN_RETURN_IF_ERROR(CheckPair(input, pair));
  const auto [drug, target] = input.pairs[pair];
  DBN_ASSIGN_OR_RETURN(const Molecule molecule, ParseSmiles(input.smiles[static_cast<size_t>(drug)]));
  DBN_ASSIGN_OR_RETURN(const Protein protein, ReadProtein(input.sequences[static_cast<size_t>(target)]));
  DBN_ASSIGN_OR_RETURN(const std::vector<std::string> symbols, AtomSymbols(molecule.canonical_smiles));
  const int residues_per_token = model_->options().residues_per_token;
  return CatchTorch([&]() -> absl::StatusOr<Explanation> {
    const PairBatch batch = MakeBatch({&molecule.graph}, {&protein.tokens}, {{0, 0}}, residues_per_token).To(device_);
    const PairTrace trace = TracePair(model_, batch);
    Explanation explanation = BuildExplanation(molecule, symbols, protein, residues_per_token, trace);
    explanation.value = scaler_.Unscale(trace.z);
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
    info.digest = loaded.digest;
    auto predictor = std::make_shared<ModelPredictor>(loaded.model, device, checkpoint.scaler, std::move(info));
    DBN_RETURN_IF_ERROR(predictor->Predict({{"CCO"}, {"MKTAYIAKQR"}, {{0, 0}}}).status());
    return predictor;
  });
}

}  // namespace deepbindnet
