// models list|show|download|delete
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/commands.h"
#include "client/deletion.h"
#include "client/download.h"
#include "client/format.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

std::string TestMetric(const v1::Model& model, double value) {
  return model.result().test().pairs() > 0 ? FormatMetric(value) : "-";
}

absl::Status List(Session* session) {
  v1::ListModelsRequest request;
  std::vector<std::vector<std::string>> rows;
  do {
    CLIENT_ASSIGN_OR_RETURN(const v1::ListModelsResponse page, session->connection()->Call(&Stub::ListModels, request));
    for (const v1::Model& model : page.models()) {
      session->console()->Json(ToJson(model));
      const v1::Metrics& test = model.result().test();
      rows.push_back({model.name(), absl::StrJoin(model.aliases(), ","), ModelTypeName(model.options().model_type()),
                      model.dataset(), model.affinity_unit(), TestMetric(model, test.mse()),
                      TestMetric(model, test.ci()), model.loaded() ? "yes" : "no", FormatTime(model.create_time())});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  session->console()->Table(
      {"NAME", "ALIASES", "TYPE", "DATASET", "UNIT", "TEST MSE", "TEST CI", "LOADED", "CREATED (UTC)"}, rows);
  return absl::OkStatus();
}

absl::StatusOr<v1::Model> GetModel(const std::string& name, Session* session) {
  v1::GetModelRequest request;
  request.set_model(name);
  return session->connection()->Call(&Stub::GetModel, request);
}

absl::Status Show(const std::string& name, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Model model, GetModel(name, session));
  Console* console = session->console();
  console->Json(ToJson(model));
  console->Line(absl::StrCat("model    ", model.name(), model.loaded() ? " (loaded)" : ""));
  if (model.aliases_size() > 0) console->Line(absl::StrCat("aliases  ", absl::StrJoin(model.aliases(), ", ")));
  console->Line(absl::StrCat("dataset  ", model.dataset(), ", unit ",
                             model.affinity_unit().empty() ? "unknown" : model.affinity_unit(), ", ",
                             DescribeDirection(model.affinity_direction())));
  if (model.protein_feature_dim() > 0) {
    console->Line(absl::StrCat("features ", model.protein_feature_dim(), " for each protein"));
  }
  console->Line(absl::StrCat("job      ", model.job_id(), ", created ", FormatTime(model.create_time()), " UTC"));
  console->Line(absl::StrCat("digest   ", model.digest()));
  console->Line(absl::StrCat("options  ", FieldsLine(model.options())));
  for (const auto& [part, metrics] : {std::pair("val ", &model.result().val()), {"test", &model.result().test()}}) {
    std::vector<std::string> figures;
    for (const auto& [metric, value] : NamedMetrics(*metrics)) {
      figures.push_back(absl::StrCat(metric, " ", FormatMetric(value)));
    }
    if (metrics->pairs() > 0) console->Line(absl::StrCat(part, "     ", absl::StrJoin(figures, "  ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<Deletable> Find(const std::string& name, Session* session) {
  v1::DeleteModelRequest request;
  request.set_model(name);
  return Deletable{absl::StrCat("model ", name), {{"model", name}}, [=] {
                     return session->connection()->Call(&Stub::DeleteModel, request).status();
                   }};
}

}  // namespace

void AddModelsCommands(CLI::App* app, Action* action) {
  CLI::App* models =
      app->add_subcommand("models", "Look at models, fetch and delete them")->fallthrough()->require_subcommand(1);
  models->add_subcommand("list", "The models on the server")->fallthrough()->callback([=] { *action = List; });

  auto name = std::make_shared<std::string>();
  CLI::App* show = models->add_subcommand("show", "A model's options and metrics")->fallthrough();
  show->add_option("model", *name, "A model's name or alias")->required()->type_name("MODEL");
  show->callback([=] { *action = [=](Session* session) { return Show(*name, session); }; });

  auto arguments = std::make_shared<DownloadArguments>();
  CLI::App* download = models->add_subcommand("download", "Fetch a model's files")->fallthrough();
  download->add_option("model", *name, "A model's name or alias")->required()->type_name("MODEL");
  AddDownloadOptions(download, arguments.get());
  download->callback([=] {
    *action = [=](Session* session) -> absl::Status {
      CLIENT_ASSIGN_OR_RETURN(const v1::Model model, GetModel(*name, session));
      return DownloadJobFiles(model.job_id(), *arguments, session);
    };
  });

  auto deletion = std::make_shared<DeleteArguments>();
  CLI::App* remove = AddDeleteCommand("MODEL", "Remove models with what their trainings left",
                                      "Names of models, not aliases", deletion.get(), models);
  remove->callback([=] {
    *action = [=](Session* session) {
      return DeleteEach(
          *deletion, [=](const std::string& name) { return Find(name, session); }, session);
    };
  });
}

}  // namespace deepbindnet::client
