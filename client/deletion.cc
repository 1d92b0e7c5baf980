#include "client/deletion.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/repeat.h"

namespace deepbindnet::client {
namespace {

bool Confirm(const std::string& what, Session* session) {
  const EndBySignal end_by_signal(session->interrupt());
  return session->console()->Ask(absl::StrCat("Delete ", what, "?"));
}

// Where the first of two calls did its work, the second finds nothing.
absl::Status Remove(const Deletable& deletable, Session* session) {
  bool repeated = false;
  const absl::Status status = RepeatIfLost(session, &repeated, deletable.remove);
  if (repeated && absl::IsNotFound(status)) return absl::OkStatus();
  if (!IsAnswerLost(status)) return status;
  return AppendMessage(status, absl::StrCat("; ", deletable.what, " may be deleted or not: repeat the command"));
}

// False where the person says no.
absl::StatusOr<bool> DeleteOne(const std::string& name, bool yes,
                               const std::function<absl::StatusOr<Deletable>(const std::string&)>& find,
                               Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const Deletable deletable, find(name));
  Console* console = session->console();
  if (!yes && !Confirm(deletable.what, session)) {
    console->Note(absl::StrCat(deletable.what, " is kept"));
    return false;
  }
  CLIENT_RETURN_IF_ERROR(Remove(deletable, session));
  console->Line(absl::StrCat("deleted ", deletable.what));
  nlohmann::ordered_json json = {{"type", "deleted"}};
  json.update(deletable.json);
  console->Json(json);
  return true;
}

}  // namespace

CLI::App* AddDeleteCommand(const char* type_name, const char* help, const char* name_help, DeleteArguments* arguments,
                           CLI::App* group) {
  CLI::App* command = group->add_subcommand("delete", help)->fallthrough();
  command->add_option("name", arguments->names, name_help)->required()->type_name(type_name);
  command->add_flag("--yes", arguments->yes, "Do not ask; needed where there is no terminal");
  return command;
}

absl::Status DeleteEach(const DeleteArguments& arguments,
                        const std::function<absl::StatusOr<Deletable>(const std::string& name)>& find,
                        Session* session) {
  if (!arguments.yes && !session->console()->can_ask()) {
    return UsageError("--yes: is needed to delete where there is no terminal to ask on, because deletion is final");
  }
  const std::vector<std::string>& names = arguments.names;
  std::vector<std::string> deleted;
  for (auto name = names.begin(); name != names.end(); ++name) {
    const absl::StatusOr<bool> done = DeleteOne(*name, arguments.yes, find, session);
    if (!done.ok()) {
      const auto list = [](const char* what, const auto& begin, const auto& end) {
        return begin == end ? "" : absl::StrCat("; ", what, ": ", absl::StrJoin(begin, end, ", "));
      };
      return AppendMessage(done.status(), absl::StrCat(list("deleted before it", deleted.begin(), deleted.end()),
                                                       list("not tried", name + 1, names.end())));
    }
    if (*done) deleted.push_back(*name);
  }
  return absl::OkStatus();
}

}  // namespace deepbindnet::client
