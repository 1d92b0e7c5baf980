// Both readers of CSV files, the service's and the client's: they see the same rows in every file.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "client/csv.h"
#include "core/csv/csv_reader.h"
#include "tests/fuzz/memory_file.h"

namespace deepbindnet {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Nothing where the file is refused.
std::optional<Rows> ReadAsService(const std::string& path) {
  const auto reader = CsvReader::Open(path);
  if (!reader.ok()) return std::nullopt;
  Rows rows;
  CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    if (!more.ok()) return std::nullopt;
    if (!*more) return rows;
    rows.push_back(row.fields);
  }
}

std::optional<Rows> ReadAsClient(const std::string& path) {
  const auto reader = client::CsvReader::Open(path);
  if (!reader.ok()) return std::nullopt;
  Rows rows;
  std::vector<std::string> fields;
  for (;;) {
    const auto more = (*reader)->Next(&fields);
    if (!more.ok()) return std::nullopt;
    if (!*more) return rows;
    rows.push_back(fields);
  }
}

}  // namespace
}  // namespace deepbindnet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const deepbindnet::MemoryFile file(data, size);
  if (deepbindnet::ReadAsService(file.path()) != deepbindnet::ReadAsClient(file.path())) std::abort();
  return 0;
}
