#include "core/model/protein_vectors.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/data/tensor_columns.h"

namespace deepbindnet {

ProteinVectors VectorsOf(const ProcessedDataset& dataset) {
  ProteinVectors vectors;
  if (dataset.manifest.protein_feature_dim == 0) return vectors;
  for (const ProteinEntry& protein : dataset.proteins) vectors[protein.sequence] = protein.features;
  return vectors;
}

TensorDict EncodeProteinVectors(const ProteinVectors& vectors, int64_t dimension) {
  c10::List<std::string> sequences;
  std::vector<float> flat;
  for (const auto& [sequence, vector] : vectors) {
    sequences.push_back(sequence);
    flat.insert(flat.end(), vector.begin(), vector.end());
  }
  TensorDict dict = MakeTensorDict();
  dict.insert("sequences", sequences);
  dict.insert("vectors", MakeColumn(flat, dimension));
  return dict;
}

absl::StatusOr<ProteinVectors> DecodeProteinVectors(const TensorDict& dict, int64_t dimension) {
  DBN_ASSIGN_OR_RETURN(const std::vector<std::string> sequences, GetStrings(dict, "sequences"));
  DBN_ASSIGN_OR_RETURN(const std::vector<float> flat,
                       GetColumn<float>(dict, "vectors", static_cast<int64_t>(sequences.size()), dimension));
  if (!std::all_of(flat.begin(), flat.end(), [](float value) { return std::isfinite(value); })) {
    return absl::InvalidArgumentError("'vectors' has a value that is not finite");
  }
  ProteinVectors vectors;
  auto next = flat.begin();
  for (const std::string& sequence : sequences) {
    vectors[sequence].assign(next, next + dimension);
    next += dimension;
  }
  return vectors;
}

absl::Status MatchFeatures(const ProteinVectors& known, int64_t dimension, ProcessedDataset* dataset) {
  int64_t* const given = &dataset->manifest.protein_feature_dim;
  if (dimension == 0 || *given == dimension) return absl::OkStatus();
  const auto error = [](const std::string& problem) {
    return WithReason(absl::FailedPreconditionError(problem), "OTHER_FEATURES");
  };
  if (*given != 0) {
    return error(absl::StrCat("the model takes protein features of ", dimension, " values and the data set has ",
                              *given, "; prepare it with the features that the model was trained with"));
  }
  for (ProteinEntry& protein : dataset->proteins) {
    const auto found = known.find(protein.sequence);
    if (found == known.end()) {
      return error(absl::StrCat("the model takes protein features of ", dimension,
                                " values; the data set has none, and "
                                "the model does not know those of '",
                                protein.sequence.substr(0, 40), "...' (", protein.sequence.size(),
                                " residues); prepare the data set with protein features"));
    }
    protein.features = found->second;
  }
  *given = dimension;
  return absl::OkStatus();
}

}  // namespace deepbindnet
