// An explanation as JSON, as a drawing and as lines for people: the same from the server and from the local tool.
#ifndef DEEPBINDNET_CORE_INFERENCE_EXPLANATION_OUTPUT_H_
#define DEEPBINDNET_CORE_INFERENCE_EXPLANATION_OUTPUT_H_

#include <string>

#include "core/base/status.h"
#include "core/inference/explanation.h"
#include "core/inference/predictor.h"

namespace deepbindnet {

// How much of the network's layers is written; each has all that the one before has.
enum class ExplanationDetail { kSummary, kLayers, kHeads };

// One JSON object without line breaks, in ASCII, as docs/formats/explanation.md says.
std::string ExplanationJson(const Explanation& explanation, const PredictorInfo& model, ExplanationDetail detail);

// An SVG document of the molecule, its atoms coloured by their importance; with `atom_indices` each atom's index beside
// it. RESOURCE_EXHAUSTED where there is no memory for it.
absl::StatusOr<std::string> ExplanationSvg(const Explanation& explanation, bool atom_indices);

// The atoms and the spans of residues of greatest importance, five of each at most, a line each, and what such numbers
// are worth. Every line ends with a line break.
std::string ExplanationText(const Explanation& explanation);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_INFERENCE_EXPLANATION_OUTPUT_H_
