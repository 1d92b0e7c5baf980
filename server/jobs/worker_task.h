// What a worker is told, and where a job's files lie.
#ifndef DEEPBINDNET_SERVER_JOBS_WORKER_TASK_H_
#define DEEPBINDNET_SERVER_JOBS_WORKER_TASK_H_

#include <string>

#include "deepbindnet/v1/types.pb.h"
#include "deepbindnet/v1/worker.pb.h"
#include "server/store/data_layout.h"

namespace deepbindnet {

// The upload of a PREPARE_DATASET job, under its client's file name where that is a plain name.
std::string InputFile(const DataLayout& layout, const v1::Job& job);

// The directory that the job's worker writes, and nobody else.
std::string OutputDir(const DataLayout& layout, const v1::Job& job);

// The task of the job's next worker. `resume`: an earlier one has run.
v1::WorkerTask MakeWorkerTask(const DataLayout& layout, const v1::Job& job, bool resume);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_WORKER_TASK_H_
