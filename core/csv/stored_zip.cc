#include "core/csv/stored_zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "core/base/little_endian.h"
#include "core/base/text.h"

namespace deepbindnet {
namespace {

constexpr size_t kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20, kEntryBytes = 46, kLocalBytes = 30;
constexpr absl::string_view kEndMark("PK\5\6", 4), kEnd64Mark("PK\6\6", 4), kLocator64Mark("PK\6\7", 4);
constexpr absl::string_view kEntryMark("PK\1\2", 4), kLocalMark("PK\3\4", 4);
constexpr size_t kLongestComment = 65535;
constexpr uint64_t kNot16 = 0xFFFF, kNot32 = 0xFFFFFFFF;  // The number stands elsewhere, as 64 bits.
constexpr uint64_t kZip64Extra = 1;

absl::Status Damaged(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("is no whole zip archive: ", what));
}

// `size` bytes from `offset` on; none where the archive ends before.
absl::string_view Part(absl::string_view archive, uint64_t offset, uint64_t size) {
  if (offset > archive.size() || size > archive.size() - offset) return {};
  return archive.substr(offset, size);
}

bool HasMark(absl::string_view part, absl::string_view mark) { return part.substr(0, mark.size()) == mark; }

// Where the directory stands.
struct Directory {
  uint64_t entries = 0;
  uint64_t offset = 0;
};

absl::StatusOr<Directory> FindDirectory(absl::string_view archive) {
  if (archive.size() < kEndBytes) return Damaged("it is too short");
  const size_t last = archive.size() - kEndBytes;
  const size_t first = last > kLongestComment ? last - kLongestComment : 0;
  const size_t found = archive.substr(first).rfind(kEndMark, last - first);
  if (found == absl::string_view::npos) return Damaged("its end has no directory");
  const size_t end = first + found;
  Directory directory{LittleEndian(archive.substr(end + 10), 2), LittleEndian(archive.substr(end + 16), 4)};
  if (directory.entries != kNot16 && directory.offset != kNot32) return directory;
  const absl::string_view locator = end < kLocator64Bytes ? "" : archive.substr(end - kLocator64Bytes, kLocator64Bytes);
  if (!HasMark(locator, kLocator64Mark)) return directory;
  const absl::string_view end64 = Part(archive, LittleEndian(locator.substr(8), 8), kEnd64Bytes);
  if (!HasMark(end64, kEnd64Mark)) return Damaged("its zip64 directory is missing");
  return Directory{LittleEndian(end64.substr(32), 8), LittleEndian(end64.substr(48), 8)};
}

// One entry of the directory.
struct Entry {
  uint64_t flags, method, crc, packed, size, offset;
  absl::string_view name;
};

// Takes those 64-bit numbers that do not fit the entry from its extra field.
absl::Status ReadZip64(absl::string_view extra, Entry* entry) {
  while (extra.size() >= 4) {
    const uint64_t id = LittleEndian(extra, 2), size = LittleEndian(extra.substr(2), 2);
    absl::string_view field = Part(extra, 4, size);
    extra.remove_prefix(std::min<size_t>(extra.size(), 4 + size));
    if (id != kZip64Extra) continue;
    for (uint64_t* number : {&entry->size, &entry->packed, &entry->offset}) {
      if (*number != kNot32) continue;
      if (field.size() < 8) return Damaged("a zip64 entry is cut off");
      *number = LittleEndian(field, 8);
      field.remove_prefix(8);
    }
  }
  return absl::OkStatus();
}

// Takes the first entry off `rest`.
absl::StatusOr<Entry> TakeEntry(absl::string_view* rest) {
  const absl::string_view fixed = rest->substr(0, kEntryBytes);
  if (fixed.size() < kEntryBytes || !HasMark(fixed, kEntryMark)) return Damaged("its directory is cut off");
  const auto number = [&fixed](size_t offset, size_t size) { return LittleEndian(fixed.substr(offset), size); };
  Entry entry{number(8, 2), number(10, 2), number(16, 4), number(20, 4), number(24, 4), number(42, 4), {}};
  const uint64_t name = number(28, 2), extra = number(30, 2), comment = number(32, 2);
  if (rest->size() - kEntryBytes < name + extra + comment) return Damaged("its directory is cut off");
  entry.name = rest->substr(kEntryBytes, name);
  DBN_RETURN_IF_ERROR(ReadZip64(rest->substr(kEntryBytes + name, extra), &entry));
  rest->remove_prefix(kEntryBytes + name + extra + comment);
  return entry;
}

absl::StatusOr<absl::string_view> ReadMember(absl::string_view archive, const Entry& entry) {
  const std::string shown = absl::StrCat("its member '", ShowText(entry.name, 40), "' ");
  if (entry.method != 0 || (entry.flags & 1) != 0 || entry.packed != entry.size) {
    return Damaged(shown + "is compressed or encrypted, which PyTorch's never are");
  }
  const absl::string_view local = Part(archive, entry.offset, kLocalBytes);
  if (!HasMark(local, kLocalMark)) return Damaged(shown + "is missing");
  const uint64_t header = kLocalBytes + LittleEndian(local.substr(26), 2) + LittleEndian(local.substr(28), 2);
  const absl::string_view bytes = Part(archive, entry.offset + header, entry.size);
  if (bytes.size() != entry.size) return Damaged(shown + "is cut off");
  const uint64_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != entry.crc && !bytes.empty()) return Damaged(shown + "has another CRC-32 than it should");
  return bytes;
}

}  // namespace

absl::StatusOr<ZipMembers> ReadStoredZip(absl::string_view archive) {
  DBN_ASSIGN_OR_RETURN(const Directory directory, FindDirectory(archive));
  if (directory.offset > archive.size()) return Damaged("its directory is missing");
  absl::string_view rest = archive.substr(directory.offset);
  if (directory.entries > rest.size() / kEntryBytes) return Damaged("its directory is cut off");
  ZipMembers members;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    DBN_ASSIGN_OR_RETURN(const Entry entry, TakeEntry(&rest));
    DBN_ASSIGN_OR_RETURN(const absl::string_view bytes, ReadMember(archive, entry));
    if (!members.emplace(std::string(entry.name), bytes).second) return Damaged("two members have one name");
  }
  return members;
}

}  // namespace deepbindnet
