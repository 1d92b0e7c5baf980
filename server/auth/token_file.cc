#include "server/auth/token_file.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "core/base/text.h"
#include "server/auth/roles.h"

namespace deepbindnet {
namespace {

constexpr size_t kMaxNameLength = 64;
constexpr size_t kHashLength = 64;
constexpr size_t kDayLength = 10;  // YYYY-MM-DD
constexpr size_t kMaxShown = 80;   // Characters of a value in an error.
constexpr size_t kTokenBytes = 32;
constexpr absl::string_view kTokenPrefix = "dbn_";
constexpr absl::Duration kLockWait = absl::Seconds(10);
constexpr absl::Duration kLockInterval = absl::Milliseconds(10);
constexpr absl::string_view kHeader =
    "# Tokens of deepbindnet-server, one a line: NAME ROLE SHA256 [EXPIRES], see deepbindnet-server tokens --help.\n";

std::string Shown(absl::string_view value) {
  return absl::StartsWith(value, kTokenPrefix) ? "(a token)" : ShowText(value, kMaxShown);
}

std::vector<absl::string_view> Words(absl::string_view line) {
  return absl::StrSplit(line.substr(0, line.find('#')), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

bool IsHash(absl::string_view text) {
  return text.size() == kHashLength &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); });
}

// `where` is "PATH:LINE: ".
absl::StatusOr<TokenEntry> ParseEntry(const std::vector<absl::string_view>& words, const std::string& where) {
  if (words.size() < 3 || words.size() > 4) {
    return InvalidField(where + "line", absl::StrCat("of ", words.size(), " words"),
                        "is no token; write NAME ROLE SHA256 [EXPIRES]");
  }
  TokenEntry entry;
  DBN_RETURN_IF_ERROR(CheckTokenName(where + "name", words[0]));
  entry.name = std::string(words[0]);
  DBN_ASSIGN_OR_RETURN(entry.role, ParseRole(where + "role", Shown(words[1])));
  if (!IsHash(words[2])) {
    // Not shown: whoever wrote the token itself here is not to find it in a log.
    return InvalidField(where + "sha256", absl::StrCat("of ", words[2].size(), " characters"),
                        "is no SHA-256 in 64 lower-case hex digits; have 'tokens add' write the line");
  }
  entry.sha256 = std::string(words[2]);
  if (words.size() == 4) {
    DBN_ASSIGN_OR_RETURN(entry.expires, ParseExpiry(where + "expires", words[3]));
  }
  return entry;
}

absl::Status CheckIsThere(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return absl::ErrnoToStatus(errno, absl::StrCat("cannot look at ", path));
    return WithReason(absl::NotFoundError(absl::StrCat("there is no file of tokens ", path,
                                                       "; make one with 'deepbindnet-server tokens add --tokens-file ",
                                                       path, " --name NAME --role ROLE'")),
                      "NO_TOKENS_FILE", {{"file", path}});
  }
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) == 0) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(absl::StrFormat(
                        "%s: others than its owner may write it (mode %04o), and so let themselves in; chmod go-w %s",
                        path, found.st_mode & 07777, path)),
                    "TOKENS_FILE_WRITABLE", {{"file", path}});
}

absl::StatusOr<std::string> ReadChecked(const std::string& path) {
  DBN_RETURN_IF_ERROR(CheckIsThere(path));
  return ReadFile(path);
}

// The lock is on a file of its own: the one of tokens is replaced by each change.
absl::StatusOr<FileDescriptor> LockForChange(const std::string& path) {
  if (path.empty()) return InvalidField("--tokens-file", path, "is not a file");
  const absl::Time deadline = absl::Now() + kLockWait;
  while (true) {
    DBN_ASSIGN_OR_RETURN(std::optional<FileDescriptor> lock, TryLockFile(absl::StrCat(path, ".lock")));
    if (lock.has_value()) return *std::move(lock);
    if (absl::Now() >= deadline) {
      return absl::UnavailableError(absl::StrCat(path, ": another process is changing it; try again"));
    }
    absl::SleepFor(kLockInterval);
  }
}

std::string Names(const std::vector<TokenEntry>& entries) {
  if (entries.empty()) return "none";
  return absl::StrJoin(entries, ", ",
                       [](std::string* out, const TokenEntry& entry) { absl::StrAppend(out, entry.name); });
}

}  // namespace

bool IsExpired(const TokenEntry& entry, absl::Time now) {
  return entry.expires.has_value() && now >= absl::FromCivil(*entry.expires, absl::UTCTimeZone());
}

absl::StatusOr<std::vector<TokenEntry>> ParseTokens(absl::string_view text, absl::string_view path) {
  std::vector<TokenEntry> entries;
  std::map<std::string, int> line_of_name;
  std::map<std::string, int> line_of_hash;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const std::vector<absl::string_view> words = Words(line);
    if (words.empty()) continue;
    const std::string where = absl::StrCat(path, ":", number, ": ");
    DBN_ASSIGN_OR_RETURN(TokenEntry entry, ParseEntry(words, where));
    if (const auto [first, is_new] = line_of_name.emplace(entry.name, number); !is_new) {
      return InvalidField(where + "name", entry.name,
                          absl::StrCat("is also the name in line ", first->second, "; remove one of the lines"));
    }
    if (const auto [first, is_new] = line_of_hash.emplace(entry.sha256, number); !is_new) {
      return InvalidField(where + "sha256", absl::StrCat("of ", entry.name),
                          absl::StrCat("is also in line ", first->second, "; give each name a token of its own"));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string FormatToken(const TokenEntry& entry) {
  std::string line = absl::StrCat(entry.name, " ", RoleName(entry.role), " ", entry.sha256);
  if (entry.expires.has_value()) absl::StrAppend(&line, " ", absl::FormatCivilTime(*entry.expires));
  return line;
}

absl::StatusOr<std::vector<TokenEntry>> ReadTokens(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(const std::string text, ReadChecked(path));
  return ParseTokens(text, path);
}

absl::Status AddToken(const std::string& path, const TokenEntry& entry) {
  DBN_ASSIGN_OR_RETURN(const FileDescriptor lock, LockForChange(path));
  absl::StatusOr<std::string> text = ReadChecked(path);
  if (absl::IsNotFound(text.status())) text = std::string(kHeader);
  if (!text.ok()) return text.status();
  DBN_ASSIGN_OR_RETURN(const std::vector<TokenEntry> entries, ParseTokens(*text, path));
  for (const TokenEntry& other : entries) {
    if (other.name != entry.name && other.sha256 != entry.sha256) continue;
    return WithReason(absl::AlreadyExistsError(absl::StrCat(path, ": ", other.name, " has ",
                                                            other.name == entry.name ? "a token" : "that token",
                                                            "; remove it first, or take another name")),
                      "TOKEN_EXISTS", {{"name", other.name}});
  }
  if (!text->empty() && !absl::EndsWith(*text, "\n")) text->push_back('\n');
  absl::StrAppend(&*text, FormatToken(entry), "\n");
  // What the server could not read must not replace what it can.
  DBN_RETURN_IF_ERROR(ParseTokens(*text, path).status());
  return RewriteFileAtomically(path, *text);
}

absl::Status RemoveToken(const std::string& path, absl::string_view name) {
  DBN_RETURN_IF_ERROR(CheckIsThere(path));  // A mistyped path must not leave a lock behind.
  DBN_ASSIGN_OR_RETURN(const FileDescriptor lock, LockForChange(path));
  DBN_ASSIGN_OR_RETURN(const std::string text, ReadChecked(path));
  DBN_ASSIGN_OR_RETURN(const std::vector<TokenEntry> entries, ParseTokens(text, path));
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  const auto line = std::find_if(lines.begin(), lines.end(), [name](absl::string_view candidate) {
    const std::vector<absl::string_view> words = Words(candidate);
    return !words.empty() && words[0] == name;
  });
  if (line == lines.end()) {
    return WithReason(
        absl::NotFoundError(absl::StrCat(path, ": ", Shown(name), " has no token; there are: ", Names(entries))),
        "NO_SUCH_TOKEN", {{"name", Shown(name)}});
  }
  lines.erase(line);
  return RewriteFileAtomically(path, absl::StrJoin(lines, "\n"));
}

absl::Status CheckTokenName(absl::string_view field, absl::string_view name) {
  const bool fits = !name.empty() && name.size() <= kMaxNameLength && absl::ascii_isalnum(name.front()) &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; });
  if (fits) return absl::OkStatus();
  return InvalidField(
      field, Shown(name),
      "is not a name; give 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit");
}

absl::StatusOr<absl::CivilDay> ParseExpiry(absl::string_view field, absl::string_view text) {
  absl::CivilDay day;
  // absl also takes fewer digits and spaces.
  const bool fits = text.size() == kDayLength && absl::ParseCivilTime(text, &day) && absl::FormatCivilTime(day) == text;
  if (fits) return day;
  return InvalidField(field, Shown(text), "is not a day; give YYYY-MM-DD, the first on which the token is not valid");
}

absl::StatusOr<std::string> NewToken() {
  std::array<char, kTokenBytes> bytes;
  // So few come at once or not at all.
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return absl::ErrnoToStatus(errno, "cannot get random bytes");
  }
  return absl::StrCat(kTokenPrefix, absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size())));
}

// Plain SHA-256 is right here: slow, salted hashes protect passwords, which can be guessed; 256 random bits cannot.
std::string HashToken(absl::string_view token) { return Sha256Hex(token); }

}  // namespace deepbindnet
