#include "server/jobs/submission.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/jobs/clock.h"
#include "server/jobs/device_slots.h"
#include "server/store/job_kind.h"

namespace deepbindnet {
namespace {

// OK where `lookup` found nothing.
template <typename Thing>
absl::Status MustBeFree(const absl::StatusOr<Thing>& lookup, absl::string_view thing, const std::string& name) {
  if (absl::IsNotFound(lookup.status())) return absl::OkStatus();
  DBN_RETURN_IF_ERROR(lookup.status());
  return NameTaken(thing, name);
}

}  // namespace

absl::Status CheckAgainstStore(const v1::JobSpec& spec, Store* store) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kPrepareDataset: {
      const std::string& name = spec.prepare_dataset().dataset();
      return MustBeFree(store->GetDataset(name), "data set", name);
    }
    case v1::JobSpec::kTrain:
      DBN_RETURN_IF_ERROR(store->GetDataset(spec.train().dataset()).status());
      return MustBeFree(store->GetModel(spec.train().model()), "model", spec.train().model());
    case v1::JobSpec::kCompare:
      for (const std::string& model : spec.compare().models()) {
        DBN_RETURN_IF_ERROR(store->GetModel(model).status());
      }
      return store->GetDataset(spec.compare().dataset()).status();
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return InvalidField("spec", "", "says nothing to do; set prepare_dataset, train or compare");
}

absl::Status CheckAgainstJob(const v1::JobSpec& spec, const v1::Job& job) {
  if (NameOf(spec).empty() || KindOf(spec) != KindOf(job.spec()) || NameOf(spec) != job.name()) return absl::OkStatus();
  const std::string message = absl::StrCat("job ", job.id(), " is at work on \"", job.name(), "\" (",
                                           v1::JobState_Name(job.state()), "); choose another name or cancel it");
  return WithReason(absl::AlreadyExistsError(message), "NAME_TAKEN", {{"name", job.name()}, {"job", job.id()}});
}

absl::Status CheckRepeat(const JobSubmission& submission, const v1::Job& job) {
  if (google::protobuf::util::MessageDifferencer::Equals(submission.spec, job.spec())) return absl::OkStatus();
  const std::string message = absl::StrCat("request_id ", submission.request_id, " was used for job ", job.id(),
                                           ", which asks for something else; give every request its own");
  return WithReason(absl::AlreadyExistsError(message), "REQUEST_ID_TAKEN",
                    {{"request_id", submission.request_id}, {"job", job.id()}});
}

absl::Status ShuttingDown() {
  return WithReason(absl::UnavailableError("the server is shutting down; try again when it is back"), "SHUTTING_DOWN");
}

v1::Job NewJob(const JobSubmission& submission, absl::Time now) {
  v1::Job job;
  *job.mutable_spec() = submission.spec;
  job.set_request_id(submission.request_id);
  job.set_priority(submission.priority);
  job.set_submitter(submission.submitter);
  job.set_num_devices(static_cast<uint32_t>(NumDevices(submission.spec)));
  job.set_max_restarts(static_cast<uint32_t>(submission.max_restarts));
  job.set_name(NameOf(submission.spec));
  *job.mutable_create_time() = ToTimestamp(now);
  return job;
}

}  // namespace deepbindnet
