// What TensorBoard shows, as events for EventFile. `step` is the place on the horizontal axis, of which every tag has
// its own.
#ifndef DEEPBINDNET_CORE_TRAINING_SUMMARIES_H_
#define DEEPBINDNET_CORE_TRAINING_SUMMARIES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/training/unit_histogram.h"
#include "core/training/wire_message.h"

namespace deepbindnet {

// The first event of every file: says how to read it.
WireMessage FileVersionEvent();

// Says that a process goes on before `step`: readers drop what they have of this step and later ones.
WireMessage SessionStartEvent(int64_t step);

// Values by tag, for the Scalars page; stored in single precision. NaN is shown as such.
using Scalars = std::vector<std::pair<std::string, double>>;
WireMessage ScalarsEvent(int64_t step, const Scalars& scalars);

// Distributions by tag, for the Histograms and Distributions pages.
using Histograms = std::vector<std::pair<std::string, UnitHistogram>>;
WireMessage HistogramsEvent(int64_t step, const Histograms& histograms);

// Markdown, for the Text page.
WireMessage TextEvent(int64_t step, absl::string_view tag, absl::string_view text);

// For the HParams page: `content` is a serialised tensorboard.hparams.HParamsPluginData.
WireMessage HparamsEvent(absl::string_view tag, const WireMessage& content);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_SUMMARIES_H_
