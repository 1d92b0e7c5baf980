// datasets prepare|list|delete
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands.h"
#include "client/deletion.h"
#include "client/files.h"
#include "client/format.h"
#include "client/job_output.h"
#include "client/proto_json.h"
#include "client/request_id.h"
#include "client/scheduling_options.h"
#include "client/submit.h"
#include "client/table_file.h"
#include "core/csv/table.h"
#include "proto/flags/field_flags.h"

namespace deepbindnet::client {
namespace {

constexpr size_t kChunkBytes = 512 << 10;

struct PrepareArguments {
  std::string table;
  std::string protein_features;
  v1::PrepareDatasetRequest::Header header;
  bool detach = false;
};

// Sends the file's bytes; false where the server stopped listening, which its answer explains.
bool SendChunks(std::ifstream* file, uint64_t size_bytes,
                grpc::ClientWriterInterface<v1::PrepareDatasetRequest>* writer, Console* console) {
  v1::PrepareDatasetRequest request;
  uint64_t sent = 0;
  std::string* chunk = request.mutable_chunk();
  do {
    chunk->resize(kChunkBytes);
    file->read(chunk->data(), static_cast<std::streamsize>(chunk->size()));
    chunk->resize(static_cast<size_t>(file->gcount()));
    if (chunk->empty()) break;
    sent += chunk->size();
    if (!writer->Write(request)) return false;
    console->Progress(
        "uploading", static_cast<double>(sent), static_cast<double>(size_bytes),
        absl::StrCat(FormatBytes(static_cast<double>(sent)), " of ", FormatBytes(static_cast<double>(size_bytes))));
  } while (*file);
  return true;
}

absl::StatusOr<v1::Job> Upload(const PrepareArguments& arguments, const std::string& path, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const FileDigest digest, DigestFile(path));
  std::ifstream file(path, std::ios::binary);
  Connection* connection = session->connection();
  InterruptibleContext context(connection->interrupt());
  const std::string call_id = connection->Prepare(context.get());
  v1::Job job;
  const auto writer = connection->stub()->PrepareDataset(context.get(), &job);

  v1::PrepareDatasetRequest request;
  v1::PrepareDatasetRequest::Header* header = request.mutable_header();
  *header = arguments.header;
  header->mutable_spec()->set_file_name(TableName(arguments.table));
  header->set_size_bytes(digest.size_bytes);
  header->set_sha256(digest.sha256);
  if (writer->Write(request) && SendChunks(&file, digest.size_bytes, writer.get(), session->console())) {
    writer->WritesDone();
  }
  session->console()->ClearProgress();
  CLIENT_RETURN_IF_ERROR(connection->Finish(writer->Finish(), call_id));
  session->console()->Line(absl::StrCat("uploaded ", arguments.table, " (",
                                        FormatBytes(static_cast<double>(digest.size_bytes)), ", SHA-256 ",
                                        digest.sha256.substr(0, 12), "...)"));
  return job;
}

absl::Status Prepare(PrepareArguments arguments, Session* session) {
  if (arguments.header.request_id().empty()) arguments.header.set_request_id(MakeRequestId());
  v1::SplitOptions* const split = arguments.header.mutable_spec()->mutable_split();
  const bool by_column =
      split->method() == v1::SplitOptions::METHOD_UNSPECIFIED || split->method() == v1::SplitOptions::COLUMN;
  if (by_column && split->split_column().empty()) {
    split->set_split_column(GivenSplitColumn(arguments.table));
  }
  CLIENT_ASSIGN_OR_RETURN(const std::unique_ptr<TableFile> file,
                          TableFile::Make(arguments.table, arguments.protein_features, session->console()));
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, SubmitJob(arguments.header.request_id(), session,
                                                       [&] { return Upload(arguments, file->path(), session); }));
  return FollowAndPrint(job, arguments.detach, session);
}

absl::Status List(Session* session) {
  v1::ListDatasetsRequest request;
  std::vector<std::vector<std::string>> rows;
  do {
    CLIENT_ASSIGN_OR_RETURN(const v1::ListDatasetsResponse page,
                            session->connection()->Call(&v1::DeepBindNet::StubInterface::ListDatasets, request));
    for (const v1::Dataset& dataset : page.datasets()) {
      session->console()->Json(ToJson(dataset));
      const v1::DatasetSummary& summary = dataset.summary();
      rows.push_back({dataset.name(), summary.affinity_unit(), absl::StrCat(summary.train_pairs()),
                      absl::StrCat(summary.val_pairs()), absl::StrCat(summary.test_pairs()),
                      absl::StrCat(summary.drugs()), absl::StrCat(summary.targets()),
                      FormatTime(dataset.create_time())});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  session->console()->Table({"NAME", "UNIT", "TRAIN", "VAL", "TEST", "DRUGS", "TARGETS", "CREATED (UTC)"}, rows);
  return absl::OkStatus();
}

absl::StatusOr<Deletable> Find(const std::string& name, Session* session) {
  v1::DeleteDatasetRequest request;
  request.set_dataset(name);
  return Deletable{
      absl::StrCat("data set ", name), {{"dataset", name}}, [=] {
        return session->connection()->Call(&v1::DeepBindNet::StubInterface::DeleteDataset, request).status();
      }};
}

}  // namespace

void AddDatasetsCommands(CLI::App* app, Action* action) {
  CLI::App* datasets =
      app->add_subcommand("datasets", "Upload, list and delete data sets")->fallthrough()->require_subcommand(1);

  CLI::App* prepare =
      datasets->add_subcommand("prepare", "Upload a CSV file or a DeepDTA folder and make it a data set")
          ->fallthrough();
  auto arguments = std::make_shared<PrepareArguments>();
  prepare
      ->add_option("file", arguments->table,
                   "CSV file with a header, plain or gzip, whose columns are found by name; or a DeepDTA folder, whose "
                   "folds are the split unless an option says otherwise")
      ->required()
      ->type_name("FILE");
  prepare->add_option("--name", *arguments->header.mutable_spec()->mutable_dataset(), "Name of the new data set")
      ->required()
      ->type_name("NAME");
  prepare
      ->add_option(
          "--protein-features", arguments->protein_features,
          "A vector for each protein, by sequence or id: .pt of torch.save, or .npy with a .txt beside it [none]")
      ->type_name("FILE")
      ->group("Data options");
  AddFieldFlags(DatasetFlags(), "Data options", arguments->header.mutable_spec(), prepare);
  AddSchedulingOptions(&arguments->header, prepare);
  prepare->add_flag("--detach", arguments->detach, "Return once the job is accepted");
  prepare->callback([=] { *action = [=](Session* session) { return Prepare(*arguments, session); }; });

  CLI::App* list = datasets->add_subcommand("list", "The data sets on the server")->fallthrough();
  list->callback([=] { *action = List; });

  auto deletion = std::make_shared<DeleteArguments>();
  CLI::App* remove = AddDeleteCommand("DATASET", "Remove data sets and their files; models trained on them stay",
                                      "Names of data sets", deletion.get(), datasets);
  remove->callback([=] {
    *action = [=](Session* session) {
      return DeleteEach(
          *deletion, [=](const std::string& name) { return Find(name, session); }, session);
    };
  });
}

}  // namespace deepbindnet::client
