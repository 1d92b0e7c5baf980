// A run's options and results for TensorBoard's HParams page, where runs of one parent directory are compared.
#ifndef DEEPBINDNET_CORE_TRAINING_HPARAMS_H_
#define DEEPBINDNET_CORE_TRAINING_HPARAMS_H_

#include <string>
#include <vector>

#include "core/training/training_options.h"
#include "core/training/wire_message.h"

namespace deepbindnet {

// Every option of the model and of the run as it stands in a checkpoint, as indented JSON.
std::string OptionsText(const TrainingOptions& options);

// The columns of the page: the names and types of all options, and scalars by tag as metrics.
WireMessage ExperimentEvent(const TrainingOptions& options, const std::vector<std::string>& metric_tags);

// The options of this run, which started at `unix_seconds`.
WireMessage RunStartEvent(const TrainingOptions& options, double unix_seconds);

// That it succeeded. Readers keep the first end of a run they see: one that stops and is resumed later has none yet.
WireMessage RunEndEvent(double unix_seconds);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_HPARAMS_H_
