#include "core/training/trainer.h"

#include "core/compute/torch_util.h"
#include "core/training/training_run.h"

namespace deepbindnet {

absl::StatusOr<TrainingReport> Train(const std::string& data_dir, const std::string& output_dir,
                                     const TrainingOptions& options, bool resume, const std::atomic<bool>& stop,
                                     TrainingObserver* observer, const RankPlace& place) {
  return CatchTorch([&]() -> absl::StatusOr<TrainingReport> {
    TrainingRun run(data_dir, output_dir, options, place, stop, observer);
    DBN_RETURN_IF_ERROR(run.Connect());
    DBN_RETURN_IF_ERROR(run.Load());
    DBN_RETURN_IF_ERROR(resume ? run.Resume() : run.Start());
    DBN_RETURN_IF_ERROR(run.TrainEpochs());
    return run.Finish();
  });
}

}  // namespace deepbindnet
