// train
#include <memory>
#include <string>

#include "client/commands.h"
#include "client/job_output.h"
#include "client/request_id.h"
#include "client/scheduling_options.h"
#include "client/submit.h"
#include "proto/flags/field_flags.h"

namespace deepbindnet::client {
namespace {

struct TrainArguments {
  v1::StartTrainingRequest request;
  bool validate_only = false;
  bool detach = false;
};

absl::StatusOr<v1::Job> Call(const v1::StartTrainingRequest& request, Session* session) {
  return session->connection()->Call(&v1::DeepBindNet::StubInterface::StartTraining, request);
}

absl::Status Train(TrainArguments arguments, Session* session) {
  v1::StartTrainingRequest& request = arguments.request;
  request.set_validate_only(arguments.validate_only);
  if (arguments.validate_only) {
    CLIENT_ASSIGN_OR_RETURN(const v1::Job job, Call(request, session));
    PrintValidated(job, session->console());
    return absl::OkStatus();
  }
  if (request.request_id().empty()) request.set_request_id(MakeRequestId());
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job,
                          SubmitJob(request.request_id(), session, [&] { return Call(request, session); }));
  return FollowAndPrint(job, arguments.detach, session);
}

}  // namespace

void AddTrainCommand(CLI::App* app, Action* action) {
  CLI::App* train = app->add_subcommand("train", "Train a model on the server and follow it")->fallthrough();
  auto arguments = std::make_shared<TrainArguments>();
  v1::StartTrainingRequest* request = &arguments->request;
  train->add_option("--dataset", *request->mutable_spec()->mutable_dataset(), "Data set to train on")
      ->required()
      ->type_name("DATASET");
  train->add_option("--name", *request->mutable_spec()->mutable_model(), "Name of the new model")
      ->required()
      ->type_name("NAME");
  AddFieldFlags(TrainingFlags(), "Training options", request->mutable_spec()->mutable_options(), train);
  AddSchedulingOptions(request, train);
  train->add_flag("--validate-only", arguments->validate_only, "Check it and show what would be done; start nothing");
  train->add_flag("--detach", arguments->detach, "Return once the job is accepted");
  train->callback([=] { *action = [=](Session* session) { return Train(*arguments, session); }; });
}

}  // namespace deepbindnet::client
