// Rows of the datasets and models tables: messages with a unique name. Every function throws SQLite::Exception; the
// caller holds the connection alone.
#ifndef DEEPBINDNET_SERVER_STORE_NAMED_ROWS_H_
#define DEEPBINDNET_SERVER_STORE_NAMED_ROWS_H_

#include <SQLiteCpp/SQLiteCpp.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// One of the two tables, and how errors speak of what is in it.
struct NamedTable {
  const char* table;
  const char* thing;   // "data set"
  const char* field;   // Metadata name of NOT_FOUND: "dataset"
  const char* reason;  // Of NOT_FOUND: "DATASET_NOT_FOUND"
  const char* how_to_make;
};

extern const NamedTable kDatasetTable;
extern const NamedTable kModelTable;

// ALREADY_EXISTS, reason NAME_TAKEN.
absl::Status InsertNamedRow(SQLite::Database& database, const NamedTable& table, const std::string& name,
                            const std::string& message);

// NOT_FOUND.
absl::Status DeleteNamedRow(SQLite::Database& database, const NamedTable& table, const std::string& name);

// NOT_FOUND names those there are.
absl::StatusOr<std::string> SelectNamedRow(SQLite::Database& database, const NamedTable& table,
                                           const std::string& name);

struct NamedPage {
  std::vector<std::string> messages;  // By name.
  std::string next_page_token;        // Empty on the last page.
};
absl::StatusOr<NamedPage> SelectNamedPage(SQLite::Database& database, const NamedTable& table, uint32_t page_size,
                                          const std::string& page_token);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_NAMED_ROWS_H_
