// Rows of a CSV file, written anew, are read as the same rows.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "core/base/csv_field.h"
#include "core/csv/csv_reader.h"
#include "tests/fuzz/memory_file.h"

namespace deepbindnet {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// Nothing where the file is refused.
std::optional<Rows> Read(const MemoryFile& file) {
  const auto reader = CsvReader::Open(file.path());
  if (!reader.ok()) return std::nullopt;
  Rows rows;
  CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    if (!more.ok()) return std::nullopt;
    if (!*more) return rows;
    // One empty field would be an empty line, which is skipped.
    if (row.fields != std::vector<std::string>{""}) rows.push_back(row.fields);
  }
}

MemoryFile Write(const std::string& text) {
  return MemoryFile(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace
}  // namespace deepbindnet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::optional<deepbindnet::Rows> rows = deepbindnet::Read(deepbindnet::MemoryFile(data, size));
  if (!rows.has_value()) return 0;
  rows->insert(rows->begin(), {"header"});  // A byte-order mark in the first row is text.
  std::string text;
  for (const auto& row : *rows) {
    const std::string line = deepbindnet::CsvLine(row);
    if (line.size() > deepbindnet::kMaxCsvRowBytes) return 0;  // Quotes can make a row longer than is read.
    text += line;
  }
  if (deepbindnet::Read(deepbindnet::Write(text)) != rows) std::abort();
  return 0;
}
