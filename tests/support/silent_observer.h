// A training observer for tests that want a model and nothing else.
#ifndef DEEPBINDNET_TESTS_SUPPORT_SILENT_OBSERVER_H_
#define DEEPBINDNET_TESTS_SUPPORT_SILENT_OBSERVER_H_

#include "core/training/trainer.h"

namespace deepbindnet {

class SilentObserver : public TrainingObserver {
 public:
  void OnPhase(absl::string_view phase) override {}
  void OnStep(const StepReport& report) override {}
  void OnEpoch(const EpochReport& report) override {}
  void OnMessage(absl::string_view message) override {}
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_SILENT_OBSERVER_H_
