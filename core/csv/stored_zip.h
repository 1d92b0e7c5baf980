// Zip archives whose members are stored and not compressed, as PyTorch writes them.
#ifndef DEEPBINDNET_CORE_CSV_STORED_ZIP_H_
#define DEEPBINDNET_CORE_CSV_STORED_ZIP_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Members by name, as parts of the archive's bytes.
using ZipMembers = std::map<std::string, absl::string_view>;

// Finds the members of `archive`, which must outlive the result, by its directory at the end; zip64, too. Copies
// nothing but the names. INVALID_ARGUMENT, without a file's name, where the bytes are no zip archive, are cut off, a
// member is compressed or encrypted, reaches beyond the archive, has another CRC-32, or shares its name with another.
absl::StatusOr<ZipMembers> ReadStoredZip(absl::string_view archive);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_STORED_ZIP_H_
