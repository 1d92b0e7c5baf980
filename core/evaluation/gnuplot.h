// Gnuplot as a child process, without a shell.
#ifndef DEEPBINDNET_CORE_EVALUATION_GNUPLOT_H_
#define DEEPBINDNET_CORE_EVALUATION_GNUPLOT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// Runs `script` with gnuplot (found on PATH, the user's settings left out) in `directory`, where relative paths of the
// script start, and waits for its end. UNAVAILABLE with the remedy where gnuplot is not installed; INTERNAL with its
// last words where it fails. Writes script.gp and gnuplot.log into `directory`.
absl::Status RunGnuplot(const std::string& directory, absl::string_view script);

// `text` as a literal of gnuplot's language. Single quotes switch off every substitution; characters that have no place
// in a chart's label (control characters, quotes that end the literal) become harmless ones.
std::string GnuplotQuote(absl::string_view text);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_EVALUATION_GNUPLOT_H_
