// A training in as many processes of this machine as its options say.
#ifndef DEEPBINDNET_SERVER_WORKER_TRAINING_H_
#define DEEPBINDNET_SERVER_WORKER_TRAINING_H_

#include "core/base/status.h"
#include "core/training/trainer.h"
#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

// Trains as the task says, until StopRequested(). With num_processes above 1 this process is rank 0 and starts the
// others as children, which end with it; what they print on standard error goes to this process's. Errors are
// FromProto()'s and Train()'s; a rank that ended before its time is named with how it ended.
absl::StatusOr<TrainingReport> RunTraining(const v1::WorkerTask& task, TrainingObserver* observer);

// The same as one of several processes that something else has started.
absl::StatusOr<TrainingReport> RunRank(const v1::WorkerTask& task, const RankPlace& place, TrainingObserver* observer);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_TRAINING_H_
