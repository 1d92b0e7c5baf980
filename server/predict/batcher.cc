#include "server/predict/batcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/exceptions.h"
#include "server/predict/batch_input.h"

namespace deepbindnet {

// The queue holds an entry until its last pair is taken. Only the compute thread touches `values`, `error` and
// `is_started`; `next_pair` is guarded by the batcher's mutex.
struct Batcher::Entry {
  PredictTask task;
  absl::Time enqueued;
  size_t next_pair = 0;
  bool is_started = false;
  PredictTask::Values values;
  absl::Status error;
  std::atomic<bool> is_done{false};

  // The first call wins: a drain that has run out of time may come before the computation.
  void Done(absl::StatusOr<PredictTask::Values> result) {
    if (!is_done.exchange(true)) task.done(std::move(result));
  }
  int WaitingPairs() const { return static_cast<int>(task.input.pairs.size() - next_pair); }
};

struct Batcher::Slice {
  EntryPtr entry;
  size_t begin = 0;
  size_t end = 0;
};

namespace {

absl::Status ShuttingDown() {
  return WithReason(absl::UnavailableError("the server is shutting down; try again"), "SHUTTING_DOWN");
}

}  // namespace

Batcher::Batcher(const BatcherOptions& options, NowFunction now, std::function<void(const BatchStats&)> on_batch)
    : options_(options), now_(std::move(now)), on_batch_(std::move(on_batch)) {}

Batcher::~Batcher() {
  {
    MutexLock lock(&mutex_);
    draining_ = true;
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
  FailAll(ShuttingDown());
}

void Batcher::Start() {
  thread_ = std::thread([this] { Loop(); });
}

absl::Status Batcher::Submit(PredictTask task) {
  auto entry = std::make_shared<Entry>();
  entry->task = std::move(task);
  entry->enqueued = now_();
  const int pairs = entry->WaitingPairs();
  MutexLock lock(&mutex_);
  if (draining_) return ShuttingDown();
  if (queued_pairs_ + pairs > options_.max_queued_pairs) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat("the prediction queue is full: ", queued_pairs_, " of ",
                                                  options_.max_queued_pairs, " pairs wait; try again later")),
        "PREDICT_QUEUE_FULL");
  }
  queued_pairs_ += pairs;
  queue_.push_back(std::move(entry));
  submitted_ = true;
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::Time Batcher::RunOnce() {
  std::vector<EntryPtr> expired;
  std::vector<Slice> batch;
  absl::Time due;
  const absl::Time now = now_();
  {
    MutexLock lock(&mutex_);
    expired = TakeExpired(now);
    due = DueTime(now);
    if (due <= now) batch = TakeBatch();
    computing_ = !batch.empty() || !expired.empty();
  }
  for (const EntryPtr& entry : expired) entry->Done(entry->error);
  if (!batch.empty()) {
    Compute(batch);
    FinishSlices(batch);
  }
  MutexLock lock(&mutex_);
  computing_ = false;
  changed_.SignalAll();
  return batch.empty() ? due : absl::InfinitePast();
}

std::vector<Batcher::EntryPtr> Batcher::TakeExpired(absl::Time now) {
  std::vector<EntryPtr> expired;
  for (const EntryPtr& entry : queue_) {
    if (entry->task.cancelled != nullptr && entry->task.cancelled->load()) {
      entry->error = WithReason(absl::CancelledError("the caller cancelled the prediction"), "CANCELLED");
    } else if (entry->task.deadline <= now) {
      entry->error = WithReason(absl::DeadlineExceededError("the deadline passed before the prediction was computed"),
                                "DEADLINE_EXCEEDED");
    } else {
      continue;
    }
    expired.push_back(entry);
  }
  for (const EntryPtr& entry : expired) Remove(entry.get());
  return expired;
}

absl::Time Batcher::DueTime(absl::Time now) const {
  if (queue_.empty()) return absl::InfiniteFuture();
  if (draining_) return absl::InfinitePast();
  const Entry& oldest = *queue_.front();
  if (oldest.enqueued > now) return absl::InfinitePast();  // The clock was set back.
  int pairs = 0;
  for (const EntryPtr& entry : queue_) {
    if (entry->is_started) return absl::InfinitePast();
    if (entry->task.predictor == oldest.task.predictor) pairs += entry->WaitingPairs();
    if (pairs >= options_.max_batch_pairs) return absl::InfinitePast();
  }
  return oldest.enqueued + options_.max_delay;
}

std::vector<Batcher::Slice> Batcher::TakeBatch() {
  const std::shared_ptr<const Predictor> predictor = queue_.front()->task.predictor;
  std::vector<Slice> batch;
  int room = options_.max_batch_pairs;
  for (const EntryPtr& entry : queue_) {
    if (room == 0) break;
    if (entry->task.predictor != predictor) continue;
    const int taken = std::min(room, entry->WaitingPairs());
    batch.push_back({entry, entry->next_pair, entry->next_pair + taken});
    room -= taken;
  }
  for (const Slice& slice : batch) {
    Remove(slice.entry.get());
    slice.entry->next_pair = slice.end;
    if (slice.entry->WaitingPairs() == 0) continue;
    // The rest of a large request goes to the back, so that small ones need not wait for all of it.
    queue_.push_back(slice.entry);
    queued_pairs_ += slice.entry->WaitingPairs();
  }
  return batch;
}

void Batcher::Remove(const Entry* entry) {
  const auto found = std::find_if(queue_.begin(), queue_.end(), [&](const EntryPtr& e) { return e.get() == entry; });
  if (found == queue_.end()) return;
  queued_pairs_ -= entry->WaitingPairs();
  queue_.erase(found);
}

void Batcher::Compute(const std::vector<Slice>& batch) {
  BatchStats stats;
  const absl::Time start = now_();
  for (const Slice& slice : batch) {
    stats.pairs += static_cast<int>(slice.end - slice.begin);
    if (!slice.entry->is_started)
      stats.queue_times.push_back(std::max(start - slice.entry->enqueued, absl::ZeroDuration()));
    slice.entry->is_started = true;
  }
  ComputeSlices(batch);
  const bool failed = !batch.front().entry->error.ok();
  if (failed && batch.size() > 1) {
    // One request must not take down those it was merged with.
    for (const Slice& slice : batch) {
      slice.entry->error = absl::OkStatus();
      ComputeSlices({slice});
    }
  }
  stats.compute_time = std::max(now_() - start, absl::ZeroDuration());
  if (on_batch_) on_batch_(stats);
}

void Batcher::ComputeSlices(const std::vector<Slice>& slices) {
  const absl::Status computed = CatchAll([&slices]() -> absl::Status {
    BatchInput input;
    for (const Slice& slice : slices) input.Add(slice.entry->task.input, slice.begin, slice.end);
    DBN_ASSIGN_OR_RETURN(PredictTask::Values values, slices.front().entry->task.predictor->Predict(input.merged()));
    if (values.size() != input.merged().pairs.size()) {
      return absl::InternalError(
          absl::StrCat("the model gave ", values.size(), " values for ", input.merged().pairs.size(), " pairs"));
    }
    // Nothing is stored unless there is room for everything.
    for (const Slice& slice : slices) slice.entry->values.reserve(slice.entry->task.input.pairs.size());
    auto next = values.begin();
    for (const Slice& slice : slices) {
      for (size_t i = slice.begin; i < slice.end; ++i) slice.entry->values.push_back(std::move(*next++));
    }
    return absl::OkStatus();
  });
  if (computed.ok()) return;
  for (const Slice& slice : slices) slice.entry->error = computed;
}

void Batcher::FinishSlices(const std::vector<Slice>& batch) {
  for (const Slice& slice : batch) {
    Entry& entry = *slice.entry;
    if (!entry.error.ok()) {
      {
        MutexLock lock(&mutex_);
        Remove(&entry);
      }
      entry.Done(entry.error);
    } else if (entry.values.size() == entry.task.input.pairs.size()) {
      entry.Done(std::move(entry.values));
    }
  }
}

void Batcher::FailAll(const absl::Status& status) {
  std::deque<EntryPtr> failed;
  {
    MutexLock lock(&mutex_);
    failed.swap(queue_);
    queued_pairs_ = 0;
  }
  for (const EntryPtr& entry : failed) entry->Done(status);
}

void Batcher::Drain(absl::Time deadline) {
  {
    MutexLock lock(&mutex_);
    draining_ = true;
    submitted_ = true;
    changed_.SignalAll();
    const auto steady_deadline =
        std::chrono::steady_clock::now() +
        absl::ToChronoNanoseconds(std::clamp(deadline - absl::Now(), absl::ZeroDuration(), absl::Hours(24)));
    while (!queue_.empty() || computing_) {
      if (!changed_.WaitUntil(&mutex_, steady_deadline)) break;
    }
  }
  FailAll(ShuttingDown());
}

void Batcher::Loop() {
  while (true) {
    const absl::Time due = RunOnce();
    const absl::Duration wait = std::min(due - now_(), absl::Minutes(1));
    // Not by now_, which may be set back meanwhile.
    const auto wake =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::max(wait, absl::ZeroDuration()));
    MutexLock lock(&mutex_);
    while (!stopping_ && !submitted_) {
      if (!changed_.WaitUntil(&mutex_, wake)) break;
    }
    if (stopping_) return;
    submitted_ = false;
  }
}

}  // namespace deepbindnet
