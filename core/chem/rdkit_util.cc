#include "core/chem/rdkit_util.h"

#include <GraphMol/RWMol.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <RDGeneral/RDLog.h>

#include <mutex>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr size_t kShownCharacters = 80;

void SilenceLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    RDLog::InitLogs();
    boost::logging::disable_logs("rdApp.*");
  });
}

}  // namespace

absl::Status InvalidSmiles(absl::string_view smiles, absl::string_view problem) {
  const std::string shown = smiles.size() <= kShownCharacters
                                ? absl::CEscape(smiles)
                                : absl::StrCat(absl::CEscape(smiles.substr(0, kShownCharacters)), "...");
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat("SMILES '", shown, "' ", absl::StripAsciiWhitespace(problem))),
      "INVALID_SMILES");
}

std::string ExplainRefusal(absl::string_view what) {
  std::string text(absl::StripAsciiWhitespace(what));
  if (absl::StrContains(text, "valence")) {
    absl::StrAppend(&text, "; correct the bonds, or give the charge, as in [N+]");
  } else if (absl::StrContains(text, "kekulize")) {
    absl::StrAppend(&text, "; give an aromatic atom its hydrogen, as in [nH], or write single and double bonds");
  }
  return text;
}

absl::StatusOr<std::shared_ptr<RDKit::RWMol>> ReadSmiles(absl::string_view smiles) {
  SilenceLog();
  for (const char c : smiles) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      return InvalidSmiles(smiles, "has a character that SMILES does not know: only printable ASCII without spaces");
    }
  }
  RDKit::SmilesParserParams params;
  params.allowCXSMILES = false;
  params.parseName = false;
  std::shared_ptr<RDKit::RWMol> molecule(RDKit::SmilesToMol(std::string(smiles), params));
  if (molecule == nullptr) {
    return InvalidSmiles(smiles, "cannot be read: unknown symbol, or an unclosed ring, branch or bracket");
  }
  return molecule;
}

}  // namespace deepbindnet
