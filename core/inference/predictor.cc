#include "core/inference/predictor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/compute/torch_util.h"
#include "core/model/checkpoint.h"
#include "core/model/mixed_precision.h"
#include "core/model/predict_pairs.h"

namespace deepbindnet {
namespace {

class ModelPredictor : public Predictor {
 public:
  ModelPredictor(AffinityModel model, torch::Device device, Scaler scaler, PredictorInfo info)
      : model_(std::move(model)), device_(device), scaler_(scaler), info_(std::move(info)) {}

  absl::StatusOr<std::vector<absl::StatusOr<double>>> Predict(const PredictionInput& input) const override;
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

absl::Status CheckIndices(const PredictionInput& input) {
  for (size_t i = 0; i < input.pairs.size(); ++i) {
    const auto [drug, target] = input.pairs[i];
    if (drug < 0 || drug >= static_cast<int>(input.smiles.size())) {
      return InvalidField(absl::StrCat("pairs[", i, "].drug"), absl::StrCat(drug),
                          absl::StrCat("is not an index into the ", input.smiles.size(), " smiles"));
    }
    if (target < 0 || target >= static_cast<int>(input.sequences.size())) {
      return InvalidField(absl::StrCat("pairs[", i, "].target"), absl::StrCat(target),
                          absl::StrCat("is not an index into the ", input.sequences.size(), " sequences"));
    }
  }
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
