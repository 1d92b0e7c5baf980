#include "server/rpc/validation.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/convert/unknown_enum.h"

namespace deepbindnet {
namespace {

constexpr size_t kMaxNameLength = 64;
constexpr int kMaxComparedModels = 16;
constexpr size_t kMaxArtifactLength = 255;

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; }

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength && absl::ascii_isalnum(name.front()) &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

// What an error shows of a value that may be long.
std::string Shown(absl::string_view value) {
  return value.size() <= 80 ? std::string(value) : absl::StrCat(value.substr(0, 77), "...");
}

// Adds the texts' bytes to `*bytes`.
template <typename Texts>
absl::Status CheckTexts(absl::string_view field, const Texts& texts, size_t* bytes) {
  if (texts.size() > kMaxDistinct) {
    return InvalidField(field, absl::StrCat(texts.size(), " entries"),
                        absl::StrCat("are too many; give at most ", kMaxDistinct));
  }
  for (const std::string& text : texts) *bytes += text.size();
  if (*bytes <= kMaxPredictBytes) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("with more than ", kMaxPredictBytes, " bytes in all"),
                      "is too much for one call; send fewer pairs at once");
}

// Adds the vectors' bytes to `*bytes`. What their values mean is judged by the model.
absl::Status CheckFeatures(const v1::PredictRequest& request, size_t* bytes) {
  const int count = request.protein_features_size();
  if (count != 0 && count != request.sequences_size()) {
    return InvalidField("protein_features", absl::StrCat(count, count == 1 ? " vector" : " vectors"),
                        absl::StrCat("do not match; give one for each of the ", request.sequences_size(),
                                     " sequences, or none at all"));
  }
  for (const v1::ProteinFeatures& features : request.protein_features()) {
    *bytes += static_cast<size_t>(features.values_size()) * sizeof(float);
  }
  if (*bytes <= kMaxPredictBytes) return absl::OkStatus();
  return InvalidField("protein_features", absl::StrCat("with more than ", kMaxPredictBytes, " bytes in all"),
                      "is too much for one call; send fewer pairs at once");
}

absl::Status CheckLength(absl::string_view field, absl::string_view text) {
  if (text.size() <= kMaxTextLength) return absl::OkStatus();
  return InvalidField(field, Shown(text), absl::StrCat("has ", text.size(), " bytes; give at most ", kMaxTextLength));
}

absl::Status CheckIndex(int pair, absl::string_view side, uint32_t index, absl::string_view list, int size) {
  if (index < static_cast<uint32_t>(size)) return absl::OkStatus();
  return InvalidField(absl::StrCat("pairs[", pair, "].", side), absl::StrCat(index),
                      absl::StrCat("is out of range; ", list, " has ", size, size == 1 ? " entry" : " entries"));
}

}  // namespace

absl::Status ValidateName(absl::string_view field, absl::string_view name) {
  if (IsName(name)) return absl::OkStatus();
  return InvalidField(field, Shown(name),
                      "is not a name; give 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit");
}

absl::Status ValidateRequestId(absl::string_view request_id) {
  const bool printable = std::none_of(request_id.begin(), request_id.end(), absl::ascii_iscntrl);
  if (request_id.size() <= kMaxNameLength && printable) return absl::OkStatus();
  return InvalidField("request_id", printable ? Shown(request_id) : "(with control characters)",
                      "is not accepted; give at most 64 printable characters");
}

absl::Status ValidateJobReference(absl::string_view job) {
  if (IsName(job)) return absl::OkStatus();
  return InvalidField("job", Shown(job), "is neither a job's id nor a name; `jobs list` shows both");
}

absl::Status ValidateFilter(absl::string_view field, absl::string_view text) {
  if (text.size() <= kMaxNameLength) return absl::OkStatus();
  return InvalidField(field, Shown(text),
                      absl::StrCat("is longer than any name; give at most ", kMaxNameLength, " bytes"));
}

absl::Status ValidateArtifactName(absl::string_view artifact) {
  bool valid = !artifact.empty() && artifact.size() <= kMaxArtifactLength;
  const std::vector<absl::string_view> parts = absl::StrSplit(artifact, '/');
  for (const absl::string_view part : parts) {
    valid = valid && !part.empty() && part != "." && part != ".." &&
            std::none_of(part.begin(), part.end(), absl::ascii_iscntrl);
  }
  if (valid) return absl::OkStatus();
  return InvalidField("artifact", Shown(artifact), "is not an artifact's name; the job lists its artifacts");
}

absl::Status ValidateCompare(const v1::CompareSpec& spec) {
  if (spec.models_size() < 2 || spec.models_size() > kMaxComparedModels) {
    return InvalidField("spec.models", absl::StrCat(spec.models_size(), spec.models_size() == 1 ? " name" : " names"),
                        absl::StrCat("cannot be compared; give 2 to ", kMaxComparedModels, " models"));
  }
  std::set<std::string> seen;
  for (int i = 0; i < spec.models_size(); ++i) {
    const std::string field = absl::StrCat("spec.models[", i, "]");
    DBN_RETURN_IF_ERROR(ValidateName(field, spec.models(i)));
    if (!seen.insert(spec.models(i)).second) {
      return InvalidField(field, spec.models(i), "is there twice; name each model once");
    }
  }
  DBN_RETURN_IF_ERROR(ValidateName("spec.dataset", spec.dataset()));
  return spec.name().empty() ? absl::OkStatus() : ValidateName("spec.name", spec.name());
}

absl::Status ValidateUploadHeader(const v1::PrepareDatasetRequest::Header& header, uint64_t max_bytes) {
  DBN_RETURN_IF_ERROR(ValidateName("header.spec.dataset", header.spec().dataset()));
  DBN_RETURN_IF_ERROR(CheckLength("header.spec.file_name", header.spec().file_name()));
  DBN_RETURN_IF_ERROR(CheckLength("header.spec.affinity_column", header.spec().affinity_column()));
  DBN_RETURN_IF_ERROR(CheckLength("header.spec.affinity_unit", header.spec().affinity_unit()));
  DBN_RETURN_IF_ERROR(CheckLength("header.spec.split.split_column", header.spec().split().split_column()));
  if (header.size_bytes() == 0 || header.size_bytes() > max_bytes) {
    return InvalidField("header.size_bytes", absl::StrCat(header.size_bytes()),
                        absl::StrCat("is not accepted; a file has 1 to ", max_bytes, " bytes here"));
  }
  const auto is_digit = [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); };
  if (header.sha256().size() != 64 || !std::all_of(header.sha256().begin(), header.sha256().end(), is_digit)) {
    return InvalidField("header.sha256", Shown(header.sha256()), "is not a digest; give 64 lower-case hex digits");
  }
  return absl::OkStatus();
}

absl::Status ValidatePredict(const v1::PredictRequest& request, int max_pairs) {
  if (!request.model().empty()) DBN_RETURN_IF_ERROR(ValidateName("model", request.model()));
  size_t bytes = 0;
  DBN_RETURN_IF_ERROR(CheckTexts("smiles", request.smiles(), &bytes));
  DBN_RETURN_IF_ERROR(CheckTexts("sequences", request.sequences(), &bytes));
  DBN_RETURN_IF_ERROR(CheckFeatures(request, &bytes));
  if (request.pairs_size() < 1 || request.pairs_size() > max_pairs) {
    return InvalidField("pairs", absl::StrCat(request.pairs_size(), " entries"),
                        absl::StrCat("are not accepted; give 1 to ", max_pairs));
  }
  for (int i = 0; i < request.pairs_size(); ++i) {
    DBN_RETURN_IF_ERROR(CheckIndex(i, "drug", request.pairs(i).drug(), "smiles", request.smiles_size()));
    DBN_RETURN_IF_ERROR(CheckIndex(i, "target", request.pairs(i).target(), "sequences", request.sequences_size()));
  }
  return absl::OkStatus();
}

absl::Status ValidateExplain(const v1::ExplainRequest& request) {
  if (!v1::ExplainRequest::Detail_IsValid(request.detail())) return UnknownEnum("detail", request.detail());
  const int pairs = request.input().pairs_size();
  if (pairs < 1 || pairs > kMaxExplainPairs) {
    return InvalidField("input.pairs", absl::StrCat(pairs, " entries"),
                        absl::StrCat("are not accepted; give 1 to ", kMaxExplainPairs));
  }
  return ValidatePredict(request.input());
}

}  // namespace deepbindnet
