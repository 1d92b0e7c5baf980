// Pausing, resuming, cancelling and deleting.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/artifacts.h"
#include "server/jobs/deletion.h"
#include "server/jobs/job_engine_impl.h"
#include "server/jobs/job_files.h"
#include "server/jobs/submission.h"
#include "server/jobs/worker_task.h"

namespace deepbindnet {
namespace {

// How long a call waits for a job that is just being settled.
constexpr absl::Duration kSettleWait = absl::Seconds(5);

absl::Status InUse(absl::string_view what, absl::string_view by, absl::string_view remedy) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat(what, " is in use by ", by, "; ", remedy)), "IN_USE",
                    {{"by", std::string(by)}});
}

// The id of the job that made the data set or model which `lookup` found; empty where there is none.
template <typename Product>
absl::StatusOr<std::string> MakerOf(const absl::StatusOr<Product>& lookup) {
  if (lookup.ok()) return lookup->job_id();
  if (absl::IsNotFound(lookup.status())) return std::string();
  return lookup.status();
}

// IN_USE where what `job` made is there: its files and its history are the job's.
absl::Status CheckProductIsGone(const v1::Job& job, Store* store) {
  if (job.state() != v1::SUCCEEDED || job.spec().has_compare()) return absl::OkStatus();
  const bool is_dataset = job.spec().has_prepare_dataset();
  DBN_ASSIGN_OR_RETURN(const std::string maker,
                       is_dataset ? MakerOf(store->GetDataset(job.name())) : MakerOf(store->GetModel(job.name())));
  if (maker != job.id()) return absl::OkStatus();
  return InUse(absl::StrCat("job ", job.id()),
               absl::StrCat("the ", is_dataset ? "data set" : "model", " \"", job.name(), "\""), "delete that first");
}

// Deletes `directories` with the record that `delete_record` deletes.
template <typename DeleteRecord>
absl::Status DeleteWith(const DataLayout& layout, const std::vector<std::string>& directories,
                        DeleteRecord delete_record) {
  size_t aside = 0;
  absl::Status deleted = absl::OkStatus();
  for (; deleted.ok() && aside < directories.size(); ++aside) deleted = SetAside(layout, directories[aside]);
  if (deleted.ok()) deleted = delete_record();
  if (deleted.ok()) return deleted;
  for (size_t i = 0; i < aside; ++i) PutBack(layout, directories[i]);
  return deleted;
}

}  // namespace

absl::StatusOr<JobEngineImpl::LiveJob*> JobEngineImpl::FindSteerable(const std::string& id, v1::JobState to) {
  const absl::Time deadline = clock_->Now() + kSettleWait;
  LiveJob* live = Find(id);
  for (; live != nullptr && live->closing; live = Find(id)) {
    if (clock_->Now() >= deadline) return absl::UnavailableError(absl::StrCat("job ", id, " is just ending"));
    clock_->WaitUntil(&changed_, &mutex_, deadline);
  }
  if (live == nullptr) {
    DBN_ASSIGN_OR_RETURN(v1::Job ended, store_->GetJob(id));
    DBN_RETURN_IF_ERROR(TransitionState(&ended, to, "", clock_->Now()).status());
    return absl::InternalError(absl::StrCat("job ", id, " is lost"));
  }
  if (HasWorker(live->job.state()) && live->run == nullptr) return ShuttingDown();
  return live;
}

absl::Status JobEngineImpl::StopWorker(LiveJob* live, v1::JobState state, absl::string_view why,
                                       const v1::JobError* pause) {
  DBN_RETURN_IF_ERROR(Transition(live, state, why, pause));
  live->run->stop_wanted = true;
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::StatusOr<v1::Job> JobEngineImpl::Pause(const std::string& job) {
  DBN_ASSIGN_OR_RETURN(const v1::Job found, Get(job));
  v1::Job paused;
  {
    MutexLock lock(&mutex_);
    DBN_ASSIGN_OR_RETURN(LiveJob* const live, FindSteerable(found.id(), v1::PAUSED));
    const bool is_paused = live->job.state() == v1::PAUSED || live->job.state() == v1::PAUSING;
    if (is_paused && live->job.has_pause()) {
      DBN_RETURN_IF_ERROR(StayPaused(live));
    } else if (live->job.state() == v1::RUNNING) {
      DBN_RETURN_IF_ERROR(StopWorker(live, v1::PAUSING, "a pause was requested"));
    } else if (!is_paused) {
      DBN_RETURN_IF_ERROR(Transition(live, v1::PAUSED, "paused on request"));
    }
    paused = live->job;
    AddLive({}, &paused);
  }
  listeners_.Notify(paused.id());
  return paused;
}

absl::Status JobEngineImpl::StayPaused(LiveJob* live) {
  v1::Job changed = live->job;
  changed.clear_pause();
  std::vector<v1::JobEvent> events = live->unsaved;
  v1::JobEvent& event = events.emplace_back();
  *event.mutable_time() = ToTimestamp(clock_->Now());
  event.mutable_log()->set_level(v1::LogLine::INFO);
  event.mutable_log()->set_text("a pause was requested: it waits until it is resumed");
  DBN_RETURN_IF_ERROR(store_->UpdateJob(&changed, std::move(events)));
  live->job = std::move(changed);
  live->unsaved.clear();
  return absl::OkStatus();
}

absl::StatusOr<v1::Job> JobEngineImpl::Resume(const std::string& job) {
  DBN_ASSIGN_OR_RETURN(const v1::Job found, Get(job));
  v1::Job queued;
  {
    MutexLock lock(&mutex_);
    if (draining_) return ShuttingDown();
    DBN_ASSIGN_OR_RETURN(LiveJob* const live, FindSteerable(found.id(), v1::QUEUED));
    // From RUNNING, too, a way leads to QUEUED, but not this one.
    if (live->job.state() != v1::PAUSED) return IllegalTransition(live->job, v1::QUEUED);
    DBN_RETURN_IF_ERROR(CheckQueueHasRoom());
    DBN_RETURN_IF_ERROR(Transition(live, v1::QUEUED, "resumed on request"));
    live->not_before = absl::InfinitePast();
    live->failed_starts = 0;
    changed_.SignalAll();
    queued = live->job;
    AddLive(QueuePositions(), &queued);
  }
  listeners_.Notify(queued.id());
  return queued;
}

absl::StatusOr<v1::Job> JobEngineImpl::Cancel(const std::string& job) {
  DBN_ASSIGN_OR_RETURN(const v1::Job found, Get(job));
  v1::Job cancelled;
  {
    MutexLock lock(&mutex_);
    DBN_ASSIGN_OR_RETURN(LiveJob* const live, FindSteerable(found.id(), v1::CANCELLED));
    if (live->job.state() == v1::RUNNING || live->job.state() == v1::PAUSING) {
      DBN_RETURN_IF_ERROR(StopWorker(live, v1::CANCELLING, "cancellation was requested"));
    } else if (live->job.state() != v1::CANCELLING) {
      live->closing = true;
    }
    cancelled = live->job;
    AddLive({}, &cancelled);
  }
  if (cancelled.state() != v1::CANCELLING) return CancelWaiting(cancelled);
  listeners_.Notify(cancelled.id());
  return cancelled;
}

absl::StatusOr<v1::Job> JobEngineImpl::CancelWaiting(v1::Job job) {
  {
    MutexLock lock(&mutex_);
    LiveJob* live = Find(job.id());
    if (const absl::Status changed = Transition(live, v1::CANCELLED, "cancelled on request"); !changed.ok()) {
      live->closing = false;
      changed_.SignalAll();
      return changed;
    }
    job = live->job;
  }
  // Only now: a job that is still in the queue after a crash needs its files. Its name is free when they are gone.
  RemoveOutput(layout_, job);
  RemoveUpload(layout_, job);
  {
    MutexLock lock(&mutex_);
    live_.erase(job.id());
    changed_.SignalAll();
  }
  listeners_.Notify(job.id());
  return job;
}

absl::Status JobEngineImpl::Delete(const std::string& job) {
  DBN_ASSIGN_OR_RETURN(const v1::Job found, Get(job));
  std::vector<std::string> directories = {layout_.JobDir(found.id())};
  if (found.spec().has_compare()) directories.push_back(OutputDir(layout_, found));
  {
    MutexLock lock(&mutex_);
    if (Find(found.id()) != nullptr) {
      return WithReason(
          absl::FailedPreconditionError(absl::StrCat("job ", found.id(), " is ", v1::JobState_Name(found.state()),
                                                     "; cancel it, or wait until it has ended")),
          "JOB_NOT_ENDED", {{"job", found.id()}});
    }
    DBN_RETURN_IF_ERROR(CheckProductIsGone(found, store_));
    DBN_RETURN_IF_ERROR(DeleteWith(layout_, directories, [this, &found] { return store_->DeleteJob(found.id()); }));
  }
  for (const std::string& directory : directories) RemoveSetAside(layout_, directory);
  return absl::OkStatus();
}

absl::Status JobEngineImpl::CheckUnused(absl::string_view thing, const std::string& name,
                                        const std::function<bool(const v1::JobSpec&)>& uses) {
  for (const auto& [id, live] : live_) {
    if (!uses(live.job.spec())) continue;
    return InUse(absl::StrCat(thing, " \"", name, "\""),
                 absl::StrCat("job ", id, " (", v1::JobState_Name(live.job.state()), ")"),
                 "cancel that, or wait until it has ended");
  }
  return absl::OkStatus();
}

absl::Status JobEngineImpl::DeleteDataset(const std::string& name) {
  const std::string directory = layout_.DatasetDir(name);
  {
    MutexLock lock(&mutex_);
    DBN_RETURN_IF_ERROR(store_->GetDataset(name).status());
    DBN_RETURN_IF_ERROR(CheckUnused("data set", name, [&name](const v1::JobSpec& spec) {
      return spec.train().dataset() == name || spec.compare().dataset() == name;
    }));
    DBN_RETURN_IF_ERROR(DeleteWith(layout_, {directory}, [this, &name] { return store_->DeleteDataset(name); }));
  }
  RemoveSetAside(layout_, directory);
  return absl::OkStatus();
}

absl::Status JobEngineImpl::DeleteModel(const std::string& name) {
  const std::string directory = layout_.ModelDir(name);
  {
    MutexLock lock(&mutex_);
    DBN_ASSIGN_OR_RETURN(const v1::Model model, store_->GetModel(name));
    if (!model.aliases().empty()) {
      return InUse(absl::StrCat("model \"", name, "\""), absl::StrCat("the alias \"", model.aliases(0), "\""),
                   "promote another model first");
    }
    DBN_RETURN_IF_ERROR(CheckUnused("model", name, [&name](const v1::JobSpec& spec) {
      const auto& models = spec.compare().models();
      return std::find(models.begin(), models.end(), name) != models.end();
    }));
    DBN_RETURN_IF_ERROR(DeleteWith(layout_, {directory}, [this, &name] { return store_->DeleteModel(name); }));
  }
  RemoveSetAside(layout_, directory);
  return absl::OkStatus();
}

}  // namespace deepbindnet
