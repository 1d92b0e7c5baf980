// train
#include <memory>
#include <string>

#include "client/commands.h"
#include "client/job_output.h"
#include "client/request_id.h"
#include "client/submit.h"
#include "proto/flags/field_flags.h"

namespace deepbindnet::client {
namespace {

struct TrainArguments {
  v1::StartTrainingRequest request;
  bool detach = false;
};

absl::Status Train(TrainArguments arguments, Session* session) {
  if (arguments.request.request_id().empty()) arguments.request.set_request_id(MakeRequestId());
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, SubmitJob(arguments.request.request_id(), session, [&] {
                            return session->connection()->Call(&v1::DeepBindNet::StubInterface::StartTraining,
                                                               arguments.request);
                          }));
  return FollowAndPrint(job, arguments.detach, session);
}

}  // namespace

void AddTrainCommand(CLI::App* app, Action* action) {
  CLI::App* train = app->add_subcommand("train", "Train a model on the server and follow it")->fallthrough();
  auto arguments = std::make_shared<TrainArguments>();
  v1::StartTrainingRequest* request = &arguments->request;
  train->add_option("--dataset", *request->mutable_spec()->mutable_dataset(), "Data set to train on")->required();
  train->add_option("--name", *request->mutable_spec()->mutable_model(), "Name of the new model")->required();
  AddFieldFlags(TrainingFlags(), "Training options", request->mutable_spec()->mutable_options(), train);
  train->add_option("--request-id", *request->mutable_request_id(),
                    "At most 64 characters; a repeated call is one job [random]");
  train->add_option_function<int>(
      "--priority", [request](int priority) { request->set_priority(priority); }, "-100..100; higher starts first [0]");
  train->add_option_function<uint32_t>(
      "--max-restarts", [request](uint32_t restarts) { request->set_max_restarts(restarts); },
      "Restarts after a crash of the worker, 0..100 [3]");
  train->add_flag("--detach", arguments->detach, "Return once the job is accepted");
  train->callback([=] { *action = [=](Session* session) { return Train(*arguments, session); }; });
}

}  // namespace deepbindnet::client
