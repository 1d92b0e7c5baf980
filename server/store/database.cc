#include "server/store/database.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// From version i to i + 1. number: the order of creation. jobs_in_order covers a listing's filters, so that a rare
// state among many jobs is found without reading their blobs.
constexpr const char* kMigrations[kSchemaVersion] = {R"sql(
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL,
  request_id TEXT UNIQUE,
  job BLOB NOT NULL
);
CREATE INDEX jobs_in_order ON jobs (number, state, kind);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_name ON jobs (name);
CREATE TABLE events (
  job_number INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  event BLOB NOT NULL,
  PRIMARY KEY (job_number, sequence)
) WITHOUT ROWID;
CREATE TABLE datasets (name TEXT PRIMARY KEY NOT NULL, message BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE models (name TEXT PRIMARY KEY NOT NULL, message BLOB NOT NULL) WITHOUT ROWID;
)sql",
                                                     R"sql(
ALTER TABLE jobs ADD COLUMN submitter TEXT NOT NULL DEFAULT '';
DROP INDEX jobs_in_order;
CREATE INDEX jobs_in_order ON jobs (number, state, kind, submitter, name);
)sql"};

absl::Status BringUpToDate(SQLite::Database& database, const std::string& path) {
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version > kSchemaVersion) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat("database ", path, " is of version ", version,
                                                                 ", this server knows versions up to ", kSchemaVersion,
                                                                 "; start the newer deepbindnet-server that wrote it")),
                      "DATABASE_TOO_NEW");
  }
  if (version == kSchemaVersion) return absl::OkStatus();
  SQLite::Transaction transaction(database);
  for (int from = version; from < kSchemaVersion; ++from) database.exec(kMigrations[from]);
  database.exec(absl::StrCat("PRAGMA user_version = ", kSchemaVersion));
  transaction.commit();
  return absl::OkStatus();
}

}  // namespace

absl::Status SqliteError(const SQLite::Exception& error, const std::string& path) {
  const std::string message = absl::StrCat("database ", path, ": ", error.what());
  switch (error.getErrorCode() & 0xff) {  // The low byte of an extended code is its primary code.
    case SQLITE_FULL:
      return WithReason(absl::ResourceExhaustedError(absl::StrCat(message, "; free space on its disk")), "DISK_FULL");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return WithReason(absl::DataLossError(absl::StrCat(message, "; restore it from a backup or move it away")),
                        "DATABASE_DAMAGED");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return WithReason(absl::UnavailableError(absl::StrCat(message, "; another process holds it")), "DATABASE_BUSY");
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return WithReason(absl::FailedPreconditionError(
                            absl::StrCat(message, "; make the file and its directory readable and writable")),
                        "DATABASE_UNUSABLE");
    default:
      return absl::InternalError(message);
  }
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::string& path) {
  return CatchSqlite(path, [&path]() -> absl::StatusOr<std::unique_ptr<SQLite::Database>> {
    // The store's mutex serialises the connection, so SQLite's own is not needed.
    auto database = std::make_unique<SQLite::Database>(
        path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, kBusyTimeoutMs);
    if (sqlite3_db_readonly(database->getHandle(), "main") == 1) {
      return SqliteError(SQLite::Exception("it is read-only", SQLITE_READONLY), path);
    }
    database->exec("PRAGMA journal_mode = WAL");
    database->exec("PRAGMA synchronous = FULL");
    DBN_RETURN_IF_ERROR(BringUpToDate(*database, path));
    return database;
  });
}

}  // namespace deepbindnet
