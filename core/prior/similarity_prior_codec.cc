// A prior as a part of a checkpoint (docs/formats/checkpoint.md).
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/data/tensor_columns.h"
#include "core/prior/similarity_prior.h"

namespace deepbindnet {
namespace {

// Of SimilarityPrior::of_known_.
constexpr std::array<const char*, kPriorChannels - 1> kOfKnown = {"learned", "near_targets", "near_drugs"};

void EncodeProfiles(const std::vector<Profile>& profiles, const std::string& name, TensorDict* dict) {
  std::vector<int64_t> offsets = {0};
  std::vector<int32_t> features;
  std::vector<float> weights;
  for (const Profile& profile : profiles) {
    for (const auto& [feature, weight] : profile) {
      features.push_back(static_cast<int32_t>(feature));
      weights.push_back(weight);
    }
    offsets.push_back(static_cast<int64_t>(features.size()));
  }
  dict->insert(name + "_offsets", MakeColumn(offsets));
  dict->insert(name + "_features", MakeColumn(features));
  dict->insert(name + "_weights", MakeColumn(weights));
}

absl::Status CheckFinite(const torch::Tensor& tensor, const std::string& name) {
  if (torch::isfinite(tensor).all().item<bool>()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' has a value that is not finite"));
}

absl::StatusOr<std::vector<Profile>> DecodeProfiles(const TensorDict& dict, const std::string& name) {
  DBN_ASSIGN_OR_RETURN(const std::vector<int64_t> offsets, GetColumn<int64_t>(dict, name + "_offsets", -1));
  DBN_ASSIGN_OR_RETURN(const std::vector<int32_t> features, GetColumn<int32_t>(dict, name + "_features", -1));
  const auto count = static_cast<int64_t>(features.size());
  DBN_ASSIGN_OR_RETURN(const std::vector<float> weights, GetColumn<float>(dict, name + "_weights", count));
  const bool whole = !offsets.empty() && offsets.front() == 0 && offsets.back() == count;
  if (!whole || !std::is_sorted(offsets.begin(), offsets.end())) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "_offsets' are not those of its features"));
  }
  std::vector<Profile> profiles(offsets.size() - 1);
  for (size_t i = 0; i < profiles.size(); ++i) {
    for (int64_t at = offsets[i]; at < offsets[i + 1]; ++at) {
      const bool ascends = at == offsets[i] ? features[at] >= 0 : features[at] > features[at - 1];
      if (!ascends || !std::isfinite(weights[at]) || weights[at] <= 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", name, "_features' or '", name, "_weights' of entry ", i, " are no profile's"));
      }
      profiles[i].push_back({static_cast<uint32_t>(features[at]), weights[at]});
    }
  }
  return profiles;
}

// A dense matrix [rows, columns], or vector [rows] where `columns` is 0.
absl::StatusOr<torch::Tensor> GetFloats(const TensorDict& dict, const std::string& name, int64_t rows,
                                        int64_t columns) {
  DBN_ASSIGN_OR_RETURN(const std::vector<float> values, GetColumn<float>(dict, name, rows, columns));
  const torch::Tensor tensor = MakeColumn(values, columns);
  DBN_RETURN_IF_ERROR(CheckFinite(tensor, name));
  return tensor;
}

}  // namespace

TensorDict SimilarityPrior::Encode() const {
  TensorDict dict = MakeTensorDict();
  EncodeProfiles(molecules_.entities(), "molecule", &dict);
  EncodeProfiles(proteins_.entities(), "protein", &dict);
  dict.insert("mean", MakeNumber(mean_));
  dict.insert("drug_effect", drug_effect_);
  dict.insert("target_effect", target_effect_);
  dict.insert("dual", dual_);
  for (size_t i = 0; i < kOfKnown.size(); ++i) dict.insert(kOfKnown[i], of_known_[static_cast<int64_t>(i)]);
  return dict;
}

absl::StatusOr<SimilarityPrior> SimilarityPrior::Decode(const TensorDict& dict) {
  DBN_ASSIGN_OR_RETURN(std::vector<Profile> molecules, DecodeProfiles(dict, "molecule"));
  DBN_ASSIGN_OR_RETURN(std::vector<Profile> proteins, DecodeProfiles(dict, "protein"));
  SimilarityPrior prior(SimilarityIndex(SimilarityIndex::Measure::kTanimoto, std::move(molecules)),
                        SimilarityIndex(SimilarityIndex::Measure::kCosine, std::move(proteins)));
  const int64_t drugs = prior.molecules_.size(), targets = prior.proteins_.size();
  if (drugs == 0 || targets == 0) return absl::InvalidArgumentError("it knows no molecule or no protein");
  DBN_ASSIGN_OR_RETURN(prior.mean_, GetNumber(dict, "mean"));
  if (!std::isfinite(prior.mean_)) return absl::InvalidArgumentError("'mean' is not finite");
  DBN_ASSIGN_OR_RETURN(prior.drug_effect_, GetFloats(dict, "drug_effect", drugs, 0));
  DBN_ASSIGN_OR_RETURN(prior.target_effect_, GetFloats(dict, "target_effect", targets, 0));
  DBN_ASSIGN_OR_RETURN(prior.dual_, GetFloats(dict, "dual", drugs, targets));
  std::vector<torch::Tensor> of_known;
  for (const char* name : kOfKnown) {
    DBN_ASSIGN_OR_RETURN(of_known.emplace_back(), GetFloats(dict, name, drugs, targets));
  }
  prior.of_known_ = torch::stack(of_known);
  return prior;
}

}  // namespace deepbindnet
