// Merges predictions that are asked for at about the same time into batches, which one thread computes.
#ifndef DEEPBINDNET_SERVER_PREDICT_BATCHER_H_
#define DEEPBINDNET_SERVER_PREDICT_BATCHER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/inference/predictor.h"

namespace deepbindnet {

using NowFunction = std::function<absl::Time()>;

struct BatcherOptions {
  int max_batch_pairs = 1024;                        // Pairs computed at once, >= 1.
  int max_queued_pairs = 16384;                      // Pairs that wait; a request beyond is RESOURCE_EXHAUSTED.
  absl::Duration max_delay = absl::Milliseconds(2);  // A request waits at most so long for company, >= 0.
};

// One caller's request.
struct PredictTask {
  using Values = std::vector<absl::StatusOr<double>>;  // One a pair, in order.

  std::shared_ptr<const Predictor> predictor;
  PredictionInput input;  // One pair or more, indices in range.
  absl::Time deadline = absl::InfiniteFuture();
  std::shared_ptr<const std::atomic<bool>> cancelled;  // True: nobody waits for the answer any more. May be null.
  std::function<void(absl::StatusOr<Values>)> done;    // Called once, on the compute thread; must not block.
};

// What one batch was and took.
struct BatchStats {
  int pairs = 0;
  absl::Duration compute_time;
  std::vector<absl::Duration> queue_times;  // Of each request whose first pair was in this batch.
};

// A batch holds pairs of one model in the order they came. It is computed once max_batch_pairs of them wait or the
// oldest has waited max_delay, at once where the clock was set back behind its arrival. A request larger than a batch
// is computed in turns with the others. A request whose deadline has passed (DEADLINE_EXCEEDED) or that is cancelled
// (CANCELLED) is dropped before it is computed.
//
// Submit and Drain are thread-safe. RunOnce is what the thread of Start runs; without Start a test calls it.
class Batcher {
 public:
  Batcher(const BatcherOptions& options, NowFunction now, std::function<void(const BatchStats&)> on_batch);
  // Requests that still wait are done with UNAVAILABLE.
  ~Batcher();

  // Starts the compute thread. Call once.
  void Start();

  // RESOURCE_EXHAUSTED: the queue is full; UNAVAILABLE: draining. `done` is called only after OK.
  absl::Status Submit(PredictTask task);

  // Drops what has expired and computes one batch if one is due. Returns when to call again unless something is
  // submitted before: InfinitePast for at once, InfiniteFuture for not before.
  absl::Time RunOnce();

  // Refuses new requests and blocks until those accepted are done, at the latest until `deadline`; the rest is done
  // with UNAVAILABLE.
  void Drain(absl::Time deadline);

 private:
  struct Entry;
  struct Slice;
  using EntryPtr = std::shared_ptr<Entry>;

  void Loop();
  std::vector<EntryPtr> TakeExpired(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time DueTime(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Slice> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(const Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Compute(const std::vector<Slice>& batch);
  void ComputeSlices(const std::vector<Slice>& slices);
  void FinishSlices(const std::vector<Slice>& batch);
  void FailAll(const absl::Status& status);

  const BatcherOptions options_;
  const NowFunction now_;
  const std::function<void(const BatchStats&)> on_batch_;
  std::thread thread_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<EntryPtr> queue_ ABSL_GUARDED_BY(mutex_);
  int queued_pairs_ ABSL_GUARDED_BY(mutex_) = 0;
  bool computing_ ABSL_GUARDED_BY(mutex_) = false;
  bool submitted_ ABSL_GUARDED_BY(mutex_) = false;  // Since the thread last looked.
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_BATCHER_H_
