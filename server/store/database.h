// Opening the SQLite database, its schema, and the one place where SQLite's exceptions become Status.
#ifndef DEEPBINDNET_SERVER_STORE_DATABASE_H_
#define DEEPBINDNET_SERVER_STORE_DATABASE_H_

#include <SQLiteCpp/SQLiteCpp.h>

#include <memory>
#include <string>

#include "core/base/status.h"

namespace deepbindnet {

// Version of the schema that this code writes, kept in PRAGMA user_version.
constexpr int kSchemaVersion = 2;

// RESOURCE_EXHAUSTED on a full disk, DATA_LOSS for a damaged or foreign file, UNAVAILABLE for a locked one,
// FAILED_PRECONDITION for one that cannot be opened or written, else INTERNAL. The message names `path`.
absl::Status SqliteError(const SQLite::Exception& error, const std::string& path);

// Runs `body`, which returns a Status or a StatusOr and may throw SQLite::Exception.
template <typename Body>
auto CatchSqlite(const std::string& path, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& error) {
    return SqliteError(error, path);
  }
}

// Opens or creates `path` with a write-ahead log and every commit synced, and brings its schema up to date.
// FAILED_PRECONDITION where it is of a newer version.
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_DATABASE_H_
