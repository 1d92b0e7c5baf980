// Checks of what callers send, beyond what server/convert checks. All return INVALID_ARGUMENT naming the field.
#ifndef DEEPBINDNET_SERVER_RPC_VALIDATION_H_
#define DEEPBINDNET_SERVER_RPC_VALIDATION_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"

namespace deepbindnet {

inline constexpr int kMaxPairs = 4096;
inline constexpr int kMaxDistinct = 4096;  // Molecules, or proteins, of one request.
// Of the texts and vectors of one Predict call together. A text that is too long by itself fails its pairs only.
inline constexpr size_t kMaxPredictBytes = 32 << 20;
inline constexpr int kMaxExplainPairs = 16;
inline constexpr size_t kMaxExplainBytes = 32 << 20;  // Of what one Explain call answers.
inline constexpr size_t kMaxTextLength = 255;         // Of a file name, a column's name or a unit.
inline constexpr size_t kMaxChunkBytes = 1 << 20;

// 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit.
absl::Status ValidateName(absl::string_view field, absl::string_view name);

// At most 64 characters, none of them a control character.
absl::Status ValidateRequestId(absl::string_view request_id);

// A job's id or the name of what it makes.
absl::Status ValidateJobReference(absl::string_view job);

// What a listing filters by: at most 64 bytes.
absl::Status ValidateFilter(absl::string_view field, absl::string_view text);

// A plain file name, or one in a sub-directory such as "logs/events.out": no "..", not absolute.
absl::Status ValidateArtifactName(absl::string_view artifact);

absl::Status ValidateCompare(const v1::CompareSpec& spec);
absl::Status ValidateUploadHeader(const v1::PrepareDatasetRequest::Header& header, uint64_t max_bytes);

// Counts, bytes and indices. What the texts mean is judged pair by pair, by the model.
absl::Status ValidatePredict(const v1::PredictRequest& request, int max_pairs = kMaxPairs);

// Errors in the input name its fields as ValidatePredict() does.
absl::Status ValidateExplain(const v1::ExplainRequest& request);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_VALIDATION_H_
