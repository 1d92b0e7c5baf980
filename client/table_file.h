// The file that is uploaded for a table.
#ifndef DEEPBINDNET_CLIENT_TABLE_FILE_H_
#define DEEPBINDNET_CLIENT_TABLE_FILE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/console.h"

namespace deepbindnet::client {

// A CSV file as it is. A DeepDTA folder, and a table with vectors of its proteins, as a gzipped CSV file among the
// system's temporary files, which goes away with this object.
class TableFile {
 public:
  // `protein_features` names a file of vectors; empty means none. Shows progress where it writes a file. A usage error
  // names the file at fault.
  static absl::StatusOr<std::unique_ptr<TableFile>> Make(const std::string& table, const std::string& protein_features,
                                                         Console* console);
  ~TableFile();
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  TableFile(std::string path, bool is_temporary) : path_(std::move(path)), is_temporary_(is_temporary) {}

  const std::string path_;
  const bool is_temporary_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_TABLE_FILE_H_
