#include "server/store/named_rows.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/store/page_token.h"
#include "server/store/store.h"

namespace deepbindnet {
namespace {

constexpr int kNamesInMessage = 10;

// "there are: a, b", "there are: a, b, ... and 3 more", or how to make the first.
std::string WhatThereIs(SQLite::Database& database, const NamedTable& table) {
  const int count = database.execAndGet(absl::StrCat("SELECT COUNT(*) FROM ", table.table)).getInt();
  if (count == 0) return absl::StrCat("there is none yet; ", table.how_to_make);
  SQLite::Statement select(database,
                           absl::StrCat("SELECT name FROM ", table.table, " ORDER BY name LIMIT ", kNamesInMessage));
  std::vector<std::string> names;
  while (select.executeStep()) names.push_back(select.getColumn(0).getString());
  std::string message = absl::StrCat("there are: ", absl::StrJoin(names, ", "));
  const int more = count - static_cast<int>(names.size());
  if (more > 0) absl::StrAppend(&message, ", ... and ", more, " more");
  return message;
}

absl::Status NoSuchRow(SQLite::Database& database, const NamedTable& table, const std::string& name) {
  return WithReason(
      absl::NotFoundError(absl::StrCat("there is no ", table.thing, " \"", name, "\"; ", WhatThereIs(database, table))),
      table.reason, {{table.field, name}});
}

}  // namespace

const NamedTable kDatasetTable = {"datasets", "data set", "dataset", "DATASET_NOT_FOUND",
                                  "make one with `deepbindnet datasets prepare`"};
const NamedTable kModelTable = {"models", "model", "model", "MODEL_NOT_FOUND", "make one with `deepbindnet train`"};

absl::Status NameTaken(absl::string_view thing, const std::string& name) {
  return WithReason(
      absl::AlreadyExistsError(absl::StrCat("there is a ", thing, " \"", name, "\" already; choose another name")),
      "NAME_TAKEN", {{"name", name}});
}

absl::Status InsertNamedRow(SQLite::Database& database, const NamedTable& table, const std::string& name,
                            const std::string& message) {
  SQLite::Statement insert(database,
                           absl::StrCat("INSERT OR IGNORE INTO ", table.table, " (name, message) VALUES (?, ?)"));
  insert.bind(1, name);
  insert.bind(2, message.data(), static_cast<int>(message.size()));
  if (insert.exec() == 0) return NameTaken(table.thing, name);
  return absl::OkStatus();
}

absl::Status DeleteNamedRow(SQLite::Database& database, const NamedTable& table, const std::string& name) {
  SQLite::Statement remove(database, absl::StrCat("DELETE FROM ", table.table, " WHERE name = ?"));
  remove.bind(1, name);
  return remove.exec() == 0 ? NoSuchRow(database, table, name) : absl::OkStatus();
}

absl::StatusOr<std::string> SelectNamedRow(SQLite::Database& database, const NamedTable& table,
                                           const std::string& name) {
  SQLite::Statement select(database, absl::StrCat("SELECT message FROM ", table.table, " WHERE name = ?"));
  select.bind(1, name);
  if (select.executeStep()) return select.getColumn(0).getString();
  return NoSuchRow(database, table, name);
}

absl::StatusOr<NamedPage> SelectNamedPage(SQLite::Database& database, const NamedTable& table, uint32_t page_size,
                                          const std::string& page_token) {
  DBN_ASSIGN_OR_RETURN(const int size, PageSize(page_size));
  std::string after;
  if (!page_token.empty()) {
    DBN_ASSIGN_OR_RETURN(after, DecodePageToken(table.table, page_token));
  }
  SQLite::Statement select(
      database, absl::StrCat("SELECT name, message FROM ", table.table, " WHERE name > ? ORDER BY name LIMIT ?"));
  select.bind(1, after);
  select.bind(2, size + 1);  // One more tells whether there is a next page.
  NamedPage page;
  std::string last;
  while (select.executeStep()) {
    if (static_cast<int>(page.messages.size()) == size) {
      page.next_page_token = EncodePageToken(table.table, last);
      break;
    }
    last = select.getColumn(0).getString();
    page.messages.push_back(select.getColumn(1).getString());
  }
  return page;
}

}  // namespace deepbindnet
